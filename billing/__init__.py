"""Money: credits, prices and plans."""
