"""What a user says about the programs reaches the sandbox inside each of the microVMs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from e2b_pools import QUICK, outputs, pool_on
from e2b_service.handle import ServiceHandle, start_service

from rewards.errors import ConfigurationError
from rewards.records import Job, Program, ScriptStep
from rewards.sandboxes.e2b_cloud import E2BOptions

LOOK = "import sys\nprint('bisect' in sys.modules, any(path.endswith('-packages') for path in sys.path))\n"


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceHandle]:
    with start_service() as handle:
        yield handle


async def seen_with(service: ServiceHandle, **options: object) -> str:
    async with pool_on(service, max_sandboxes=1, **options) as sandbox:
        (output,) = outputs(await sandbox.run(Job(Program(LOOK), (ScriptStep(),), QUICK)))
        return output


def test_programs_find_modules_preloaded_and_packages_of_the_template_where_that_was_asked_for(
    service: ServiceHandle,
) -> None:
    assert asyncio.run(seen_with(service, preload=["bisect"], site_packages=True)).endswith("True True\n")
    assert asyncio.run(seen_with(service)).endswith(" False\n"), "as locally, the standard library is all there is"


def test_a_module_that_the_template_lacks_is_an_error_at_the_start(service: ServiceHandle) -> None:
    async def ask() -> None:
        async with pool_on(service, preload=["no_such_module"]) as sandbox:
            with pytest.raises(ConfigurationError, match=r"inside the sandbox: .*no_such_module"):
                await sandbox.start()

    asyncio.run(ask())
    assert service.alive() == ()


def test_a_list_from_a_yaml_file_is_as_good_as_a_tuple() -> None:
    options = E2BOptions(preload=["json"], site_packages=["/opt/packages"], allow_unprotected_inside=True)
    assert options == E2BOptions(preload=("json",), site_packages=("/opt/packages",), allow_unprotected_inside=True)
    assert options.agent.preload == ("json",)
    assert options.agent.site_packages == ("/opt/packages",)
    assert options.agent.allow_unprotected_inside
