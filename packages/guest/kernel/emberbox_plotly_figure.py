"""Draws plotly's figures: their layout, axes and legend."""

import io
import re

import numpy
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import ConciseDateFormatter, DateFormatter
from matplotlib.figure import Figure

from emberbox_plotly_marks import DASHES, POINTS, draw_bars, draw_heatmaps, draw_scatter
from emberbox_plotly_sums import draw_boxes, draw_histograms, draw_pies
from emberbox_plotly_values import (
    COLORS,
    NotDrawable,
    axis_type,
    color,
    dates,
    known,
    merged,
    need,
    numbers,
    text,
    values,
)

__all__ = ["NotDrawable", "draw"]

DPI = 100
DOMAIN = {"pie"}
TRACES = {
    "scatter": draw_scatter,
    "scattergl": draw_scatter,
    "bar": draw_bars,
    "histogram": draw_histograms,
    "box": draw_boxes,
    "heatmap": draw_heatmaps,
}
# Settings of how a page behaves, not of what is seen at first.
QUIET = (
    "hovermode hoverlabel dragmode clickmode modebar uirevision transition autosize meta selectdirection hidesources"
)
LAYOUT = (
    "title template legend showlegend width height margin font paper_bgcolor plot_bgcolor colorway piecolorway "
    "barmode bargap bargroupgap boxmode boxgap boxgroupgap barnorm coloraxis annotations shapes autotypenumbers "
    "colorscale"
)
AXIS = (
    "title type range autorange domain anchor categoryorder categoryarray tickformat tickprefix ticksuffix "
    "showgrid showticklabels tickangle gridcolor zeroline visible side overlaying matches tickmode tickvals "
    "ticktext dtick tick0 nticks scaleanchor constrain linecolor showline"
)
AXIS_QUIET = (
    "automargin fixedrange hoverformat zerolinecolor zerolinewidth ticks tickfont titlefont showspikes spikemode "
    "ticklen tickcolor linewidth mirror gridwidth autotypenumbers layer zerolinewidth title_standoff "
    "separatethousands exponentformat showexponent scaleratio"
)


class Plot:
    """A figure that is being drawn, and what its traces have to know about each other."""

    def __init__(self, figure, max_points):
        self.traces = [trace for trace in figure.get("data", []) if trace.get("visible", True) is True]
        layout = figure.get("layout", {})
        template = layout.get("template") or {}
        need(isinstance(template, dict))
        self.template = template.get("data", {})
        self.layout = merged(template.get("layout", {}), {key: layout[key] for key in layout if key != "template"})
        known(
            {key: value for key, value in layout.items() if not is_axis(key) and not key.startswith("coloraxis")},
            LAYOUT,
            QUIET,
        )
        need(
            self.traces
            and all(trace.get("type", "scatter") in TRACES or trace.get("type") in DOMAIN for trace in self.traces)
        )
        need(sum(map(size, self.traces)) <= max_points)
        need(
            self.layout.get("barmode", "group") in ("group", "stack", "relative", "overlay")
            and not self.layout.get("barnorm")
        )
        colorway = self.layout.get("colorway") or COLORS
        self.colors = [color(colorway[index % len(colorway)]) for index in range(len(self.traces))]
        width, height = self.layout.get("width") or 700, self.layout.get("height") or 450
        need(50 <= width <= 4000 and 50 <= height <= 4000)
        self.size = width, height
        margin = {
            "l": 70,
            "r": 30,
            "t": 60 if text(self.layout.get("title")) else 30,
            "b": 60,
            **(layout.get("margin") or {}),
        }
        self.left, self.bottom = margin["l"] / width, margin["b"] / height
        self.width = 1 - (margin["l"] + margin["r"]) / width
        self.height = 1 - (margin["t"] + margin["b"]) / height
        need(self.width > 0.1 and self.height > 0.1)
        self.figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
        FigureCanvasAgg(self.figure)
        self.figure.set_facecolor(color(self.layout.get("paper_bgcolor", "white")))
        self.axes = {}
        self.categories = {}
        self.legend = []
        self.bars = []

    def axis(self, name):
        return self.layout.get(name[0] + "axis" + name[1:], {})

    def axes_of(self, trace):
        """The axes that a trace is drawn on, made when the first trace asks."""
        key = trace.get("xaxis", "x"), trace.get("yaxis", "y")
        if key not in self.axes:
            x, y = (self.axis(name) for name in key)
            known(x, AXIS, AXIS_QUIET)
            known(y, AXIS, AXIS_QUIET)
            need(not x.get("overlaying"))
            if y.get("overlaying"):
                below = next((ax for (_, name), ax in self.axes.items() if name == y["overlaying"]), None)
                if below is None:
                    raise NotDrawable
                ax = below.twinx()
                ax.grid(False)
            else:
                ax = self.figure.add_axes(self.place(x.get("domain", [0, 1]), y.get("domain", [0, 1])))
                ax.set_facecolor(color(self.layout.get("plot_bgcolor", "white")))
                ax.set_axisbelow(True)
                for name, axis in (("x", x), ("y", y)):
                    if axis.get("showgrid", True):
                        ax.grid(True, axis=name, color=color(axis.get("gridcolor", "#eeeeee")), linewidth=1)
            for side in ax.spines.values():
                side.set_visible(False)
            ax.tick_params(length=0, labelsize=9, labelcolor="#2a3f5f")
            self.axes[key] = ax
            ax.emberbox_kinds = [self.kind(name, axis) for name, axis in zip(key, (x, y))]
            ax.emberbox_categories = [self.categories.setdefault(self.root(name), {}) for name in key]
        return self.axes[key]

    def root(self, name):
        """The axis whose range and categories an axis shares."""
        return self.axis(name).get("matches", name)

    def place(self, x, y):
        return [
            self.left + x[0] * self.width,
            self.bottom + y[0] * self.height,
            (x[1] - x[0]) * self.width,
            (y[1] - y[0]) * self.height,
        ]

    def kind(self, name, axis):
        """The type of an axis, by what is drawn along it."""
        if axis.get("type") and axis["type"] != "-":
            need(axis["type"] in ("linear", "log", "date", "category"))
            return axis["type"]
        letter = name[0]
        for trace in self.traces:
            if trace.get(letter + "axis", letter) == name and values(trace.get(letter)) is not None:
                return axis_type(values(trace[letter]))
        return "linear"

    def mapped(self, ax, letter, data):
        """Positions of values along an axis; categories are numbered in order of appearance."""
        index = "xy".index(letter)
        kind = ax.emberbox_kinds[index]
        if kind == "category":
            seen = ax.emberbox_categories[index]
            return numpy.array([seen.setdefault(str(value), len(seen)) for value in data], float)
        return dates(data) if kind == "date" else numbers(data)

    def finish_axes(self):
        for (xname, yname), ax in self.axes.items():
            for letter, name in (("x", xname), ("y", yname)):
                self.finish_axis(ax, letter, self.axis(name))
        for index, letter in enumerate("xy"):
            for root in {self.root(key[index]) for key in self.axes}:
                self.share_range(letter, [ax for key, ax in self.axes.items() if self.root(key[index]) == root])

    def share_range(self, letter, axes):
        limits = [sorted(getattr(ax, "get_%slim" % letter)()) for ax in axes]
        low, high = min(limit[0] for limit in limits), max(limit[1] for limit in limits)
        for ax in axes:
            reverse = getattr(ax, letter + "axis_inverted")()
            getattr(ax, "set_%slim" % letter)(*((high, low) if reverse else (low, high)))

    def finish_axis(self, ax, letter, axis):
        target = getattr(ax, letter + "axis")
        kind = ax.emberbox_kinds["xy".index(letter)]
        categories = ax.emberbox_categories["xy".index(letter)]
        need(
            axis.get("categoryorder", "trace") == "trace"
            or axis["categoryorder"] == "array"
            and categories_in(categories, axis)
        )
        if axis.get("scaleanchor"):
            ax.set_aspect("equal")
        if axis.get("tickformat"):
            target.set_major_formatter(formatter(axis["tickformat"], kind))
        if kind == "log":
            getattr(ax, "set_%sscale" % letter)("log")
        if kind == "category":
            target.set_ticks(list(categories.values()), list(categories))
            if not ax.emberbox_margins:
                getattr(ax, "set_%slim" % letter)(-0.5, len(categories) - 0.5)
        if axis.get("tickvals") is not None and axis.get("ticktext") is not None:
            target.set_ticks(
                self.mapped(ax, letter, values(axis["tickvals"])), [text(label) for label in axis["ticktext"]]
            )
        if axis.get("range"):
            low, high = axis["range"]
            if kind == "log":
                low, high = 10 ** float(low), 10 ** float(high)
            elif kind == "date":
                low, high = self.mapped(ax, letter, [low, high])
            getattr(ax, "set_%slim" % letter)(low, high)
        if axis.get("autorange") == "reversed":
            target.set_inverted(True)
        if axis.get("tickprefix") or axis.get("ticksuffix"):
            before, after = text(axis.get("tickprefix")), text(axis.get("ticksuffix"))
            target.set_major_formatter(lambda value, _: "%s%g%s" % (before, value, after))
        label = text(axis.get("title"))
        if label:
            getattr(ax, "set_%slabel" % letter)(label, color="#2a3f5f", fontsize=11)
        if not axis.get("visible", True) or not axis.get("showticklabels", True):
            ax.tick_params(axis=letter, labelbottom=False, labelleft=False)
        if letter == "x" and 7 * sum(map(len, categories)) > ax.get_position().width * self.size[0]:
            ax.tick_params(axis="x", rotation=30)
            box = ax.get_position()
            rise = min(0.5 * box.height, (3.5 * max(map(len, categories)) - 5) / self.size[1])
            ax.set_position([box.x0, box.y0 + rise, box.width, box.height - rise])
        if kind == "date" and not axis.get("tickformat"):
            target.set_major_formatter(ConciseDateFormatter(target.get_major_locator()))

    def finish(self):
        self.finish_axes()
        title = self.layout.get("title")
        if text(title):
            x = title.get("x") if isinstance(title, dict) else None
            x = 0.05 if x is None else x
            align = "left" if x < 0.3 else "right" if x > 0.7 else "center"
            self.figure.text(x, 1 - 28 / self.size[1], text(title), fontsize=13, color="#2a3f5f", ha=align, va="center")
        for shape in self.layout.get("shapes") or ():
            self.shape(shape)
        shown = self.layout.get("showlegend")
        several = len(self.legend) > 1 or any(trace.get("showlegend") for trace in self.traces)
        if self.legend and (shown or (shown is None and several)):
            self.draw_legend()
        for note in self.layout.get("annotations") or ():
            self.annotate(note)

    def narrow(self, share):
        """Makes room on the right."""
        self.width *= share
        for ax in self.figure.axes:
            box = ax.get_position()
            ax.set_position([self.left + (box.x0 - self.left) * share, box.y0, box.width * share, box.height])

    def draw_legend(self):
        title = text((self.layout.get("legend") or {}).get("title")) or None
        handles, names = zip(*self.legend)
        longest = max(map(len, names + (title or "",)))
        self.narrow(1 - min(0.3, 0.06 + 0.011 * longest * 700 / self.size[0]))
        self.figure.legend(
            handles, names, title=title, loc="upper right", bbox_to_anchor=(0.995, self.bottom + self.height),
            frameon=False, fontsize=9, labelcolor="#2a3f5f", alignment="left",
        )

    def annotate(self, note):
        known(
            note, "text x y xref yref showarrow xanchor yanchor font textangle", "xshift yshift align bgcolor opacity"
        )
        need(
            not note.get("showarrow", True)
            and note.get("xref", "paper").endswith(("paper", "domain"))
            and note.get("yref", "paper").endswith(("paper", "domain"))
        )
        need(note.get("xref", "paper") == note.get("yref", "paper") == "paper")
        x, y = self.left + note["x"] * self.width, self.bottom + note["y"] * self.height
        anchors = {"middle": "center"}
        self.figure.text(
            x,
            y,
            text(note["text"]),
            fontsize=10,
            color="#2a3f5f",
            rotation=-(note.get("textangle") or 0),
            ha=note.get("xanchor", "center"),
            va=anchors.get(note.get("yanchor", "middle"), note.get("yanchor", "center")),
        )

    def shape(self, shape):
        known(shape, "type x0 x1 y0 y1 xref yref line", "opacity layer name")
        need(shape.get("type") == "line" and len(self.axes) == 1)
        ax = next(iter(self.axes.values()))
        line = shape.get("line") or {}
        style = {
            "color": color(line.get("color", "#444444")),
            "linewidth": line.get("width", 2) * POINTS,
            "linestyle": DASHES[line.get("dash", "solid")],
        }
        if shape.get("xref", "x") != "x" and shape.get("yref", "y") == "y" and shape["y0"] == shape["y1"]:
            ax.axhline(self.mapped(ax, "y", [shape["y0"]])[0], **style)
        elif shape.get("yref", "y") != "y" and shape.get("xref", "x") == "x" and shape["x0"] == shape["x1"]:
            ax.axvline(self.mapped(ax, "x", [shape["x0"]])[0], **style)
        else:
            need(shape.get("xref", "x") == "x" and shape.get("yref", "y") == "y")
            ax.plot(
                self.mapped(ax, "x", [shape["x0"], shape["x1"]]),
                self.mapped(ax, "y", [shape["y0"], shape["y1"]]),
                **style,
            )


def formatter(spec, kind):
    """The subset of d3's formats that Python has too."""
    if kind == "date":
        return DateFormatter(spec)
    need(re.match(r",?(\.\d+)?[f%d]?$", spec))
    return lambda value, _: format(value, spec or "g")


def is_axis(key):
    return key.startswith(("xaxis", "yaxis"))


def categories_in(categories, axis):
    """Whether categories appeared in the order that is asked for."""
    wanted = [str(value) for value in axis.get("categoryarray") or () if str(value) in categories]
    return wanted == sorted(wanted, key=categories.__getitem__)


def size(trace):
    most = 0
    for key in ("x", "y", "z", "values"):
        data = values(trace.get(key))
        if data is not None and len(data):
            first = data[0]
            most = max(
                most, len(data) * (len(first) if hasattr(first, "__len__") and not isinstance(first, str) else 1)
            )
    return most


def draw(figure, max_points):
    """PNG of a figure. @raises NotDrawable"""
    plot = Plot(figure, max_points)
    pies = [trace for trace in plot.traces if trace.get("type") in DOMAIN]
    if pies:
        need(len(pies) == len(plot.traces))
        draw_pies(plot, pies)
    else:
        for trace in plot.traces:
            plot.axes_of(trace).emberbox_margins = trace.get("type", "scatter") in ("scatter", "scattergl")
        for kind in dict.fromkeys(trace.get("type", "scatter") for trace in plot.traces):
            some = [
                (trace, plot.colors[index])
                for index, trace in enumerate(plot.traces)
                if trace.get("type", "scatter") == kind
            ]
            TRACES[kind](plot, some)
    plot.finish()
    target = io.BytesIO()
    plot.figure.savefig(target, format="png")
    return target.getvalue()
