"""Score an answer by the output that the user asked for in words: `python scripts/example_stated_output.py`.

No expected output is passed: it is taken from the conversation, and the metric `expected_output` says from where.
"""

from __future__ import annotations

import argparse
import logging

from rewards.message_rewards import e2b_code_execution_reward

QUESTION = """Write a Python function that adds up the numbers of a list.

Expected output: 15 (for the list [1, 2, 3, 4, 5])"""

ANSWER = """The function goes through the list once:

```python
def total(numbers):
    result = 0
    for number in numbers:
        result += number
    return result


print(total([1, 2, 3, 4, 5]))
```"""

MESSAGES = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}]


def main() -> None:
    """Print the score and what it is made of."""
    logging.basicConfig(format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--api-key", help="E2B's; without one (or E2B_API_KEY) the program runs in the local sandbox")
    result = e2b_code_execution_reward(MESSAGES, timeout=10, api_key=parser.parse_args().api_key)
    print(f"score {result.score}: {result.reason}")
    for name, metric in result.metrics.items():
        print(f"\n{name} ({metric.score}): {metric.reason}")


if __name__ == "__main__":
    main()
