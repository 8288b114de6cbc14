"""The bar on top of every page of the reference: what there is to read."""

PAGES = {"REST": "docs", "Events": "docs/events", "AsyncAPI": "asyncapi.json", "Postman": "docs/postman.json"}


def bar(current: str, root: str = "") -> str:
    """HTML. `root` leads from the page to where the paths of `PAGES` begin."""
    here = {current: ' aria-current="page"'}
    links = "\n".join(f'<a href="{root}{path}"{here.get(name, "")}>{name}</a>' for name, path in PAGES.items())
    icon = f'<img src="{root}docs/assets/fireside.svg" alt="" width="24" height="24">'
    return f"""<header class="bar">
<a class="brand" href="{root}docs">{icon}Fireside</a>
<nav aria-label="References">
{links}
</nav>
</header>"""
