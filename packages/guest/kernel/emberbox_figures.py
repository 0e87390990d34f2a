"""What needs matplotlib, Pillow and numpy: the default template has them, a container image may not."""

from typing import Any

pictures: Any
try:
    import emberbox_pictures as pictures
    from emberbox_charts import chart_of, remember_boxes
    from emberbox_plotly import with_picture
except ModuleNotFoundError as missing:
    if str(missing.name).startswith("emberbox_"):
        raise
    pictures = None

    def chart_of(_figure: Any) -> Any:
        return None

    def remember_boxes() -> Any:
        return None

    def with_picture(bundle: Any) -> Any:
        return bundle


__all__ = ["chart_of", "pictures", "remember_boxes", "with_picture"]
