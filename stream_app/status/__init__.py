"""Where everything stands: services, stages, regions and their days; for `stream-app status` and the API alike."""
