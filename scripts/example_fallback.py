"""Score an answer on E2B where there is a key, and here where there is none: `python scripts/example_fallback.py`.

The reward does that by itself and says so, in the log and in the metric `execution_result`. Whoever wants an error
instead passes `fallback=None`, and whoever wants no cloud calls `local_code_execution_reward`, as the last lines do.
"""

from __future__ import annotations

import argparse
import logging

from rewards.message_rewards import e2b_code_execution_reward, local_code_execution_reward

ANSWER = """Only divisors up to the square root have to be tried:

```python
def is_prime(n):
    return n > 1 and all(n % divisor for divisor in range(2, int(n**0.5) + 1))


print(is_prime(11))
print(is_prime(15))
```"""

MESSAGES = [
    {"role": "user", "content": "Write a Python function that says whether a number is prime."},
    {"role": "assistant", "content": ANSWER},
]


def main() -> None:
    """Print both scores and where the programs ran."""
    logging.basicConfig(format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--api-key", help="E2B's; without one (or E2B_API_KEY) the program runs in the local sandbox")
    results = {
        "with a fallback": e2b_code_execution_reward(
            MESSAGES, expected_output="True\nFalse", timeout=10, api_key=parser.parse_args().api_key
        ),
        "local": local_code_execution_reward(MESSAGES, expected_output="True\nFalse", timeout=5),
    }
    for name, result in results.items():
        print(f"{name}: score {result.score}, {result.metrics['execution_result'].reason}\n")


if __name__ == "__main__":
    main()
