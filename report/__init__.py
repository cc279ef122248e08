"""Looking: the static report, plots and the live view; reads stores, draws."""
