"""Evaluation in mid-run with the reward of training: two tables a step, and neither holds anything of the other."""

import pytest

pytest.importorskip("trl", reason="pip install 'code-rewards[train]' to evaluate in mid-run")
pytest.importorskip("pandas", reason="TRL writes its tables with pandas: pip install pandas")

from test_trl import TESTS, any_text_is_a_program
from tiny_policy import grpo_trainer

from trainers.tables import keep_tables_apart

pytestmark = pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning")


def test_training_and_evaluation_do_not_overwrite_each_others_tables(tmp_path, capsys):
    import pandas
    from datasets import Dataset

    columns = {"prompt": ["train this: "] * 4, "tests": [TESTS] * 4}
    options = {"log_completions": True, "eval_steps": 1, "per_device_eval_batch_size": 4}
    with any_text_is_a_program() as reward:
        trainer = grpo_trainer(reward, columns, str(tmp_path), **options)
        trainer.eval_dataset = Dataset.from_dict({"prompt": [f"eval {i}: " for i in range(4)], "tests": [TESTS] * 4})
        trainer.args.eval_strategy = "steps"
        keep_tables_apart(trainer)
        trainer.train()
    capsys.readouterr()
    for step in (1, 2):
        trained = pandas.read_parquet(tmp_path / f"completions/completions_{step:05d}.parquet")
        evaluated = pandas.read_parquet(tmp_path / f"completions/eval_completions_{step:05d}.parquet")
        assert set(trained["prompt"]) == {"train this: "}
        assert set(evaluated["prompt"]) == {f"eval {i}: " for i in range(4)}
        assert len(evaluated) == 8, "two completions for each prompt"
        assert {"code/program", "code/verdict", "code/detail"} <= set(evaluated.columns)
    logged = [entry for entry in trainer.state.log_history if "eval_reward" in entry]
    assert len(logged) == 2
    assert logged[0]["eval_code/accepted"] == pytest.approx(logged[0]["eval_rewards/code/mean"])
    assert not list(tmp_path.glob("completions/*.train"))
