"""scikit-learn is for fitting: neither the text model nor a worker imports it, seconds at every start."""

import subprocess
import sys

import pytest

MODULES = "print([name for name in ('sklearn', 'scipy', 'joblib') if name in sys.modules])"
ENCODER = (
    "from stream_app.encoding.unseen import hide_from_transformers\nhide_from_transformers()\n"
    "import stream_app.encoding.transformer\n"
)


@pytest.mark.parametrize("code", [ENCODER, "import stream_app.worker\n"], ids=["text model", "worker"])
def test_it_is_not_imported(code: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}{MODULES}"], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_whoever_asks_for_it_still_finds_it() -> None:
    code = f"import sys\n{ENCODER}import sklearn.cluster\nprint(sklearn.cluster.KMeans.__name__)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "KMeans"
