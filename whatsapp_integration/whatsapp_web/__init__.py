"""Linked devices: a browser with WhatsApp Web, the bridge into its page, and the session of one device."""
