"""Started by torchrun, twice: trains for two steps, and the first rank writes the history."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from test_trl import STANDARD, any_text_is_a_program
from tiny_policy import grpo_trainer

folder = Path(sys.argv[1])
with any_text_is_a_program() as reward:
    trainer = grpo_trainer(reward, STANDARD, str(folder), log_completions=True)
    trainer.train()
    if trainer.accelerator.is_main_process:
        history = [entry for entry in trainer.state.log_history if "reward" in entry]
        (folder / "history.json").write_text(json.dumps(history))
    trainer.accelerator.end_training()  # both ranks leave their process group before either ends
