"""All fixtures come from the kit that every project on this frame uses."""

pytest_plugins = ["app.testing.plugin"]
