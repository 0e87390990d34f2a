"""Draws the plotly traces that show every value: points, lines, bars, cells. Each refuses what it does not know."""

from typing import Any

import matplotlib
import numpy
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from emberbox_plotly_values import color, colormap, known, need, numbers, text, values

# Shown only while the pointer is over a trace, or without any effect here.
QUIET = (
    "type uid ids customdata hovertemplate hoverinfo hovertext hoveron hoverlabel meta name showlegend legendgroup "
    "legendrank offsetgroup alignmentgroup xaxis yaxis visible orientation opacity bingroup cliponaxis selected "
    "unselected uirevision legendgrouptitle xhoverformat yhoverformat scalegroup"
)
MARKERS = {
    "circle": "o", "square": "s", "diamond": "D", "cross": "P", "x": "X", "triangle-up": "^", "triangle-down": "v",
    "triangle-left": "<", "triangle-right": ">", "pentagon": "p", "hexagon": "h", "star": "*",
}
DASHES = {
    "solid": "-",
    "dot": ":",
    "dash": "--",
    "longdash": (0, (8, 3)),
    "dashdot": "-.",
    "longdashdot": (0, (8, 3, 1, 3)),
}
STEPS = {"linear": "default", "hv": "steps-post", "vh": "steps-pre", "hvh": "steps-mid"}
# Pixels as points.
POINTS = 0.72


def remember(plot, trace, handle):
    """An entry in the legend; traces of one group share one."""
    if trace.get("showlegend", True) and trace.get("name"):
        plot.legend.append((handle, text(trace["name"])))


def along(plot, ax, trace, length):
    x, y = values(trace.get("x")), values(trace.get("y"))
    x = range(length) if x is None else x
    y = range(length) if y is None else y
    count = min(len(x), len(y))
    return plot.mapped(ax, "x", x[:count]), plot.mapped(ax, "y", y[:count])


def draw_scatter(plot, traces):
    stacks: dict[tuple[Any, Any], Any] = {}
    last: dict[Any, Any] = {}
    bare: dict[Any, bool] = {}
    for trace, own in traces:
        known(trace, "x y mode marker line fill fillcolor stackgroup error_x error_y connectgaps", QUIET)
        ax = plot.axes_of(trace)
        given = [len(data) for data in (values(trace.get("x")), values(trace.get("y"))) if data is not None]
        if not given or not min(given):
            continue
        x, y = along(plot, ax, trace, max(given))
        stack = trace.get("stackgroup")
        mode = trace.get("mode") or ("lines" if stack or len(x) >= 20 else "lines+markers")
        need("text" not in mode)
        line, marker = trace.get("line") or {}, trace.get("marker") or {}
        known(line, "color width dash shape", "simplify")
        fixed = marker.get("color") if isinstance(marker.get("color"), str) else None
        alpha = trace.get("opacity")
        shade = color(line.get("color") or fixed, alpha) if line.get("color") or fixed else color_of(own, alpha)
        below = numpy.zeros(len(y))
        if stack:
            below = stacks.get((ax, stack), (x, below))[1]
            need(len(below) == len(y) and numpy.array_equal(stacks.get((ax, stack), (x,))[0], x))
            y = below + numpy.nan_to_num(y)
            stacks[ax, stack] = x, y
        fill_under(ax, trace, x, y, below, shade, last.get(ax), stack)
        last[ax] = x, y
        bare[ax] = bare.get(ax, True) and mode == "lines"
        if "lines" in mode:
            need(line.get("shape", "linear") in STEPS and line.get("dash", "solid") in DASHES)
            shown = ~numpy.isnan(y.astype(float)) if trace.get("connectgaps") and y.dtype.kind == "f" else slice(None)
            ax.plot(
                x[shown], y[shown], color=shade, linewidth=line.get("width", 2) * POINTS,
                linestyle=DASHES[line.get("dash", "solid")], drawstyle=STEPS[line.get("shape", "linear")],
            )
        if "markers" in mode:
            draw_markers(plot, ax, x, y, marker, shade, alpha)
        draw_errors(ax, trace, x, y, shade)
        symbol = MARKERS.get(marker.get("symbol", "circle"), "o") if "markers" in mode else None
        style = DASHES[line.get("dash", "solid")] if "lines" in mode else ""
        remember(plot, trace, Line2D([], [], color=shade, marker=symbol, linestyle=style))
    for ax, only_lines in bare.items():
        if only_lines:
            ax.margins(x=0)


def color_of(own, alpha):
    return own if alpha is None else (*own[:3], own[3] * alpha)


def fill_under(ax, trace, x, y, below, shade, last, stack):
    fill = trace.get("fill") or ("tonexty" if stack else "none")
    need(fill in ("none", "tozeroy", "tonexty"))
    if fill == "none":
        return
    if fill == "tonexty" and last is not None and not stack:
        need(len(last[0]) == len(x) and numpy.array_equal(last[0], x))
        below = last[1]
    area = color(trace["fillcolor"]) if trace.get("fillcolor") else (*shade[:3], shade[3] * 0.5)
    ax.fill_between(x, below, y, color=area, linewidth=0)


def draw_markers(plot, ax, x, y, marker, shade, alpha):
    known(
        marker,
        "color size symbol opacity line colorscale coloraxis cmin cmax colorbar showscale sizemode sizeref sizemin "
        "reversescale",
        "sizesrc colorsrc",
    )
    symbols = marker.get("symbol", "circle")
    need(isinstance(symbols, str))
    filled = symbols.replace("-open", "")
    need(filled in MARKERS)
    sizes = values(marker.get("size")) if not isinstance(marker.get("size"), (int, float)) else marker["size"]
    if sizes is None:
        sizes = 6
    elif not isinstance(sizes, (int, float)):
        reference = marker.get("sizeref", 1)
        raw = numpy.clip(numpy.nan_to_num(numbers(sizes)), 0, None) / reference
        sizes = numpy.sqrt(raw) if marker.get("sizemode", "diameter") == "area" else raw
        sizes = numpy.maximum(sizes[: len(x)], marker.get("sizemin", 0))
    opacity = marker.get("opacity", 0.7 if not numpy.isscalar(sizes) else 1)
    need(isinstance(opacity, (int, float)))
    style = {"s": (sizes * POINTS) ** 2, "marker": MARKERS[filled], "alpha": opacity * (1 if alpha is None else alpha)}
    edge = marker.get("line") or {}
    known(edge, "color width")
    if symbols.endswith("-open"):
        ax.scatter(x, y, facecolors="none", edgecolors=[shade], **style)
        return
    if edge.get("width"):
        style.update(linewidths=edge["width"] * POINTS, edgecolors=[color(edge.get("color") or "#444444")])
    else:
        style.update(linewidths=0 if numpy.isscalar(sizes) else 0.7, edgecolors="white")
    each = marker.get("color")
    if each is None or isinstance(each, str):
        ax.scatter(x, y, color=[shade[:3]], **style)
    elif all(isinstance(one, str) for one in values(each)):
        ax.scatter(x, y, color=[color(one) for one in values(each)][: len(x)], **style)
    else:
        scale = scale_of(plot, marker, numbers(values(each)), "c", "scatter")
        ax.scatter(x, y, c=numbers(values(each))[: len(x)], cmap=scale.cmap, norm=scale.norm, **style)


def scale_of(plot, thing, data, letter, kind):
    """The colours for numbers, and their colour bar beside the axes."""
    name = thing.get("coloraxis")
    shared = plot.layout.get(name, {}) if name else thing
    if name:
        known(shared, "colorscale cmin cmax colorbar showscale", "autocolorscale")
        letter = "c"
    low, high = shared.get(letter + "min"), shared.get(letter + "max")
    if name and low is None:
        data = numpy.concatenate(
            [one for one in map(lambda trace: colored_by(trace, name), plot.traces) if one is not None]
        )
    low, high = (numpy.nanmin(data) if low is None else low), (numpy.nanmax(data) if high is None else high)
    stops = shared.get("colorscale") or plot.layout.get("colorscale", {}).get("sequential")
    need(not isinstance(stops, str))
    cmap = colormap(stops)
    if shared.get("reversescale"):
        cmap = cmap.reversed()
    scale = ScalarMappable(Normalize(low, high), cmap)
    wanted = shared.get("showscale", kind == "heatmap" or bool(name) or "colorbar" in shared)
    if wanted and (name or id(thing)) not in plot.bars:
        plot.bars.append(name or id(thing))
        need(len(plot.bars) == 1)
        bar = shared.get("colorbar") or {}
        known(bar, "title len thickness x y", "outlinewidth ticks tickfont xanchor yanchor")
        plot.narrow(0.86)
        target = plot.figure.add_axes([plot.left + plot.width * 1.04, plot.bottom, 0.03, plot.height])
        made = plot.figure.colorbar(scale, cax=target)
        made.outline.set_visible(False)
        target.set_title(text(bar.get("title")), fontsize=9, loc="left", color="#2a3f5f")
        target.tick_params(labelsize=9, labelcolor="#2a3f5f", length=0)
    return scale


def colored_by(trace, name):
    marker = trace.get("marker") or {}
    if trace.get("coloraxis") == name:
        return numpy.ravel([numbers(row) for row in values(trace["z"])])
    return numbers(values(marker["color"])) if marker.get("coloraxis") == name else None


def draw_errors(ax, trace, x, y, shade):
    for letter in "xy":
        error = trace.get("error_" + letter)
        if not error or error.get("visible") is False:
            continue
        known(error, "array arrayminus symmetric type visible", "color thickness width copy_ystyle")
        need(error.get("type", "data") == "data" and error.get("array") is not None)
        up = numbers(values(error["array"]))
        down = (
            numbers(values(error["arrayminus"]))
            if error.get("arrayminus") is not None and not error.get("symmetric")
            else up
        )
        ax.errorbar(x, y, **{letter + "err": [down, up]}, fmt="none", ecolor=shade, capsize=3, linewidth=1)


class Bars:
    """Bars beside each other, or stacked."""

    def __init__(self, plot, traces, mode):
        self.plot, self.mode, self.count = plot, mode, len(traces)
        names = list(dict.fromkeys(trace.get("offsetgroup") or index for index, (trace, _) in enumerate(traces)))
        self.slots = {name: index for index, name in enumerate(names)}
        self.tops = {}

    def draw(self, ax, trace, index, places, lengths, shade, step, gap):
        across = trace.get("orientation") == "h"
        width = step * (1 - gap)
        if self.mode == "group":
            slot = self.slots[trace.get("offsetgroup") or index]
            width /= len(self.slots)
            centers = places - step * (1 - gap) / 2 + width * (slot + 0.5)
        else:
            centers = places
        base = numpy.zeros(len(lengths))
        if self.mode in ("stack", "relative"):
            for number, (place, length) in enumerate(zip(places, numpy.nan_to_num(lengths))):
                key = ax, place, length < 0 and self.mode == "relative"
                base[number] = self.tops.get(key, 0)
                self.tops[key] = base[number] + length
        marker = trace.get("marker") or {}
        known(marker, "color line opacity pattern coloraxis colorscale cmin cmax colorbar showscale", "colorsrc")
        need(not (marker.get("pattern") or {}).get("shape"))
        each = marker.get("color")
        if each is None or isinstance(each, str):
            shades = color(each) if each else shade
        elif all(isinstance(one, str) for one in values(each)):
            shades = [color(one) for one in values(each)]
        else:
            shades = scale_of(self.plot, marker, numbers(values(each)), "c", "bar").to_rgba(numbers(values(each)))
        alpha = marker.get("opacity", trace.get("opacity", 1))
        need(isinstance(alpha, (int, float)))
        how = {
            "color": shades,
            "alpha": alpha,
            "linewidth": 0.4,
            "edgecolor": color(self.plot.layout.get("plot_bgcolor", "white")),
        }
        if across:
            made = ax.barh(centers, lengths, width, left=base, **how)
        else:
            made = ax.bar(centers, lengths, width, bottom=base, **how)
        ax.margins(**{"y" if across else "x": 0.01})
        remember(self.plot, trace, Patch(color=shades if isinstance(shades, tuple) else shade, alpha=alpha))
        return made, centers, base + lengths


def draw_bars(plot, traces):
    for ax, some in by_axes(plot, traces):
        bars = Bars(plot, some, plot.layout.get("barmode", "group"))
        gap = plot.layout.get("bargap", 0.2)
        prepared = []
        for trace, shade in some:
            known(
                trace,
                "x y marker text textposition error_x error_y texttemplate",
                QUIET + " textangle insidetextanchor textfont",
            )
            data = [values(trace.get(letter)) for letter in "xy"]
            length = max(len(one) for one in data if one is not None)
            x, y = along(plot, ax, trace, length)
            prepared.append((y, x) if trace.get("orientation") == "h" else (x, y))
        step = step_of([places for places, _ in prepared])
        for index, ((trace, shade), (places, lengths)) in enumerate(zip(some, prepared)):
            places, size = (matplotlib.dates.date2num(places), step) if places.dtype.kind == "M" else (places, step)
            made, centers, ends = bars.draw(ax, trace, index, places, lengths, shade, size, gap)
            label_bars(ax, made, trace, lengths)
            if trace.get("orientation") == "h":
                draw_errors(ax, trace, ends, centers, "#2a3f5f")
            else:
                draw_errors(ax, trace, centers, ends, "#2a3f5f")
        for letter in "xy":
            if any(data.dtype.kind == "M" for pair in prepared for data in pair):
                (ax.yaxis if some[0][0].get("orientation") == "h" else ax.xaxis).axis_date()


def label_bars(ax, made, trace, lengths):
    template = trace.get("texttemplate")
    need(template in (None, "%{value}", "%{x}", "%{y}", "%{text}"))
    if trace.get("textposition") == "none" or (trace.get("text") is None and template is None):
        return
    labels = trace.get("text") if template in (None, "%{text}") else ["%.15g" % length for length in lengths]
    labels = [labels] * len(lengths) if isinstance(labels, str) else values(labels)
    place = "edge" if trace.get("textposition") == "outside" else "center"
    ax.bar_label(
        made,
        [text("%g" % label if isinstance(label, float) else label) for label in labels],
        label_type=place,
        fontsize=9,
    )


def by_axes(plot, traces):
    groups: dict[Any, list[Any]] = {}
    for trace, shade in traces:
        groups.setdefault(plot.axes_of(trace), []).append((trace, shade))
    return groups.items()


def step_of(all_places):
    """The distance between neighbours; a day for dates that have none."""
    places = numpy.concatenate(all_places)
    if places.dtype.kind == "M":
        places = matplotlib.dates.date2num(places)
    places = numpy.unique(places[~numpy.isnan(places)])
    return float(numpy.diff(places).min()) if len(places) > 1 else 1.0


def draw_heatmaps(plot, traces):
    for trace, _ in traces:
        known(
            trace,
            "x y z colorscale coloraxis zmin zmax colorbar showscale reversescale text texttemplate",
            QUIET + " zauto autocolorscale",
        )
        need(trace.get("texttemplate") in (None, "%{z}", "%{text}"))
        ax = plot.axes_of(trace)
        z = numpy.array([numbers(row) for row in values(trace["z"])])
        need(z.ndim == 2 and z.size)
        x, y = (values(trace.get(letter)) for letter in "xy")
        x = plot.mapped(ax, "x", range(z.shape[1]) if x is None else x)
        y = plot.mapped(ax, "y", range(z.shape[0]) if y is None else y)
        need(len(x) == z.shape[1] and len(y) == z.shape[0])
        filled = trace
        if not trace.get("coloraxis") and trace.get("colorscale") is None:
            defaults = plot.template.get("heatmap") or [{}]
            filled = {**trace, "colorscale": defaults[0].get("colorscale")}
        scale = scale_of(plot, filled, z, "z", "heatmap")
        ax.pcolormesh(x, y, z, cmap=scale.cmap, norm=scale.norm, shading="nearest")
        ax.grid(False)
        ax.margins(0)
        if trace.get("texttemplate"):
            labels = z if trace["texttemplate"] == "%{z}" else values(trace["text"])
            for row in range(z.shape[0]):
                for column in range(z.shape[1]):
                    red, green, blue, _ = scale.to_rgba(z[row, column])
                    ink = "white" if red + green + blue < 1.5 else "#2a3f5f"
                    ax.text(
                        x[column],
                        y[row],
                        text("%s" % labels[row][column]),
                        ha="center",
                        va="center",
                        fontsize=9,
                        color=ink,
                    )
