"""The operator's screen, served by the gateway itself: it works with the network down."""
