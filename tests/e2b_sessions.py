"""What the tests of sessions in E2B sandboxes share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

from e2b_pools import QUICK, pool_on, until_alive
from e2b_service.handle import ServiceHandle

from rewards.records import CellStep, Ended, File, Limits, TestRun
from rewards.sandboxes.e2b_cloud import E2BSandbox
from rewards.sandboxes.e2b_cloud.session import E2BSession

Use = Callable[[E2BSandbox, E2BSession], Awaitable[None]]
SHORT = replace(QUICK, wall_s=2.0, output_kb=8)


@contextlib.asynccontextmanager
async def pool(service: ServiceHandle, **options: object) -> AsyncIterator[E2BSandbox]:
    async with pool_on(
        service, **{"max_sandboxes": 3, "keep_warm": 0, "silence_s": 3.0, "retries": 3} | options
    ) as own:
        yield own


async def opened(sandbox: E2BSandbox, limits: Limits = QUICK) -> E2BSession:
    session = await sandbox.open_session(limits)
    assert isinstance(session, E2BSession), session
    return session


async def said(session: E2BSession, source: str, *files: File) -> str:
    run = await session.run(CellStep(source, files))
    assert isinstance(run, TestRun), run
    assert run.ended in (Ended.RETURNED, Ended.RAISED), run
    return run.stdout + run.stderr


def with_session(service: ServiceHandle, use: Use, *, limits: Limits = QUICK, **options: object) -> None:
    async def go() -> None:
        async with pool(service, **options) as sandbox:
            session = await opened(sandbox, limits)
            await use(sandbox, session)
            await session.close()
            await until_alive(service, 0)

    asyncio.run(go())
