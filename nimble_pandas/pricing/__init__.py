"""What comes next with a frame of pages: its prices, compared between markets and over time."""

from nimble_pandas.pricing.verbs import changes, compare, plot_history, plot_prices, plot_status, prices

__all__ = ["changes", "compare", "plot_history", "plot_prices", "plot_status", "prices"]
