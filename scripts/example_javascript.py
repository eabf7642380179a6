"""Score an answer in JavaScript; without an E2B key this needs Node.js here: `python scripts/example_javascript.py`."""

from __future__ import annotations

import argparse
import logging

from rewards.message_rewards import e2b_code_execution_reward

ANSWER = """Letters and digits are compared with themselves in reverse:

```javascript
function isPalindrome(text) {
  const letters = [...text.toLowerCase()].filter((letter) => /[a-z0-9]/.test(letter));
  return letters.join("") === letters.reverse().join("");
}

console.log(isPalindrome("Never odd or even"));
console.log(isPalindrome("sandbox"));
```"""

MESSAGES = [
    {"role": "user", "content": "Write a JavaScript function that says whether a text is a palindrome."},
    {"role": "assistant", "content": ANSWER},
]


def main() -> None:
    """Print the score and what it is made of."""
    logging.basicConfig(format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api-key", help="E2B's; without one (or E2B_API_KEY) the program runs in the local sandbox")
    result = e2b_code_execution_reward(
        MESSAGES, expected_output="true\nfalse", language="javascript", timeout=10, api_key=parser.parse_args().api_key
    )
    print(f"score {result.score}: {result.reason}")
    for name, metric in result.metrics.items():
        print(f"\n{name} ({metric.score}): {metric.reason}")


if __name__ == "__main__":
    main()
