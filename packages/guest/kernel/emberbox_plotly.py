"""A picture of a plotly figure, drawn by matplotlib: plotly's own renderer needs a browser, and a sandbox has none.

Only what can be drawn as plotly would draw it is drawn. A figure with anything else has no picture, since none is
better than a wrong one. Where kaleido is installed, plotly itself draws every figure.
"""

import importlib.util

# Imported now: once user code runs, the directory of these modules is no longer searched.
from emberbox_plotly_figure import NotDrawable, draw
from emberbox_results import PLOTLY

# Points and cells of all traces together; drawing more takes too long.
MAX_POINTS = 200_000


def with_picture(bundle):
    """The bundle of a plotly figure, with its picture if there is one."""
    if "image/png" in bundle:
        return bundle
    try:
        png = picture(bundle[PLOTLY])
    except Exception:
        # A figure may contain anything; without a picture it is still shown as JSON.
        png = None
    return bundle if png is None else {**bundle, "image/png": png}


def picture(figure):
    if importlib.util.find_spec("kaleido"):
        try:
            return by_kaleido(figure)
        except Exception:
            # Newer versions need a browser too.
            pass
    try:
        return draw(figure, MAX_POINTS)
    except NotDrawable:
        return None


def by_kaleido(figure):
    import plotly.io

    layout = figure.get("layout", {})
    return plotly.io.to_image(
        {key: figure[key] for key in ("data", "layout") if key in figure},
        format="png",
        validate=False,
        width=layout.get("width") or 700,
        height=layout.get("height") or 450,
    )
