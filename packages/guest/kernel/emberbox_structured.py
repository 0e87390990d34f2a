"""Formatters that add structured data to figures and tables. A failure costs the data, never the picture."""

import sys

from IPython.core.formatters import BaseFormatter
from traitlets import ObjectName, Unicode

from emberbox_figures import chart_of, remember_boxes
from emberbox_tables import table_of


class Structured(BaseFormatter):
    """Chosen by the type alone: selecting picture formats removes the formatters that figures have."""

    print_method = ObjectName("_repr_emberbox_")

    def __call__(self, value):
        try:
            return self.describe(value)
        except Exception:
            return None


class ChartFormatter(Structured):
    format_type = Unicode("e2b/chart")

    def describe(self, value):
        return chart_of(value) if is_figure(value) else None


class TableFormatter(Structured):
    format_type = Unicode("e2b/data")

    def describe(self, value):
        pandas = sys.modules.get("pandas")
        return table_of(value) if pandas and isinstance(value, (pandas.DataFrame, pandas.Series)) else None


def is_figure(value):
    figures = sys.modules.get("matplotlib.figure")
    return figures is not None and isinstance(value, figures.Figure)


def describe_figures_and_tables(shell):
    for kind in (ChartFormatter, TableFormatter):
        formatter = kind(parent=shell.display_formatter)
        shell.display_formatter.formatters[formatter.format_type] = formatter
    remember_boxes()


def close_shown(value):
    """Marks a figure that is a cell's value as shown; otherwise it would be shown again at the cell's end."""
    if not is_figure(value):
        return
    helpers, backend = sys.modules.get("matplotlib._pylab_helpers"), sys.modules.get("matplotlib_inline.config")
    if helpers and backend and backend.InlineBackend.instance().close_figures:
        helpers.Gcf.destroy_fig(value)
