"""Who is calling: tokens, passwords, and the dependency that asks for them."""
