import hypothesis
import matplotlib

# The chapters' functions may draw; no test opens a window. (Not MPLBACKEND: the notebooks' kernels would inherit it.)
matplotlib.use("agg")

hypothesis.settings.register_profile("book", derandomize=True, deadline=None, max_examples=50)
hypothesis.settings.load_profile("book")
