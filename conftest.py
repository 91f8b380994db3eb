"""What pytest loads before all else, wherever it is pointed at."""

import sys

# jsonschema, which nbval needs, would compile 38 grammars with it in two seconds, for addresses that nothing checks.
sys.modules["rfc3987_syntax"] = None

pytest_plugins = ["nbval.plugin"]
