"""`python -m trainers grpo --config run.yaml`: what the scripts do, wherever the package is installed."""

import sys

from .launch import METHODS, main

_USAGE = f"""\
usage: python -m trainers {{{"|".join(METHODS)}}} --config run.yaml [--key value ...]
       python -m trainers evaluate [run|compare|validate] ..."""

if sys.argv[1:2] == ["evaluate"]:
    from .evaluation.command import main as evaluate

    evaluate(sys.argv[2:])
elif len(sys.argv) > 1 and sys.argv[1] in METHODS:
    main(sys.argv[1], sys.argv[2:])
else:
    sys.exit(_USAGE)
