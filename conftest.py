"""What pytest loads before all else, wherever it is pointed at."""

import importlib.util
import sys

# jsonschema, which nbval needs, would compile 38 grammars with it in two seconds, for addresses that nothing checks.
sys.modules["rfc3987_syntax"] = None

# The plugins by name, as far as they are there: pytest rewrites the assertions of each package that it finds one in.
PLUGINS = "nbval.plugin", "pytest_timeout", "_hypothesis_pytestplugin"
pytest_plugins = [name for name in PLUGINS if importlib.util.find_spec(name.partition(".")[0])]
