import os

import hypothesis

os.environ["MPLBACKEND"] = "agg"  # the chapters' functions may draw; no test opens a window

hypothesis.settings.register_profile("book", derandomize=True, deadline=None, max_examples=50)
hypothesis.settings.load_profile("book")
