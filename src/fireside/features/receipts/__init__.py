"""How far each member has got."""
