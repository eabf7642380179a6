"""Score one conversation by what the program of its answer prints: `python scripts/example_basic.py`."""

from __future__ import annotations

import argparse
import logging

from rewards.message_rewards import e2b_code_execution_reward

ANSWER = """A factorial is the product of all numbers up to its own:

```python
def factorial(n):
    return 1 if n <= 1 else n * factorial(n - 1)


print(factorial(5))
```

For 5 that is 5 * 4 * 3 * 2 * 1."""

MESSAGES = [
    {"role": "user", "content": "Write a Python function that returns the factorial of a number, and try it on 5."},
    {"role": "assistant", "content": ANSWER},
]


def main() -> None:
    """Print the score and what it is made of."""
    logging.basicConfig(format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api-key", help="E2B's; without one (or E2B_API_KEY) the program runs in the local sandbox")
    result = e2b_code_execution_reward(
        MESSAGES, expected_output="120", language="python", timeout=10, api_key=parser.parse_args().api_key
    )
    print(f"score {result.score}: {result.reason}")
    for name, metric in result.metrics.items():
        print(f"\n{name} ({metric.score}): {metric.reason}")


if __name__ == "__main__":
    main()
