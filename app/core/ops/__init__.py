"""How the service is run and watched."""
