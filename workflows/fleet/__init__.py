"""The workers of the platform. Tenants see who there is and how busy; only an operator of the platform tells workers what to do."""
