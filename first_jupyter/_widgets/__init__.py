"""The widgets: what they show, they also leave behind where no widget can live."""
