"""How close outputs come to the works themselves: of pictures in `images/`."""
