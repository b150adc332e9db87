"""Who may ask: the scoped key; and who we are at Globus: the login."""
