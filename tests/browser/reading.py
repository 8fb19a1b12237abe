"""What a person, or who reads to one, gets of the page: names, headings, contrasts, and what lies outside of it."""

from typing import Any

from playwright.async_api import Page

CONTROLS = {"button", "link", "textbox", "combobox", "slider", "checkbox", "Date", "DisclosureTriangle", "option"}
# Text against the ground that it stands on, by WCAG 2.2, 1.4.3: [ratio, needed, text] of each that is too faint.
FAINT = """() => {
  const parsed = (css) => { const [r, g, b, a = 1] = css.match(/[\\d.]+/g).map(Number); return { r, g, b, a }; };
  const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ({ r, g, b }) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const found = parsed(getComputedStyle(each).backgroundColor);
      if (found.a === 1) return found;
    }
    return { r: 255, g: 255, b: 255 };
  };
  const seen = [...document.querySelectorAll('body *')].filter((node) =>
    [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim())
    && node.checkVisibility() && !node.closest(':disabled, .unseen, .skip, noscript'));
  const told = seen.map((node) => {
    const style = getComputedStyle(node);
    const [text, behind] = [parsed(node instanceof SVGElement ? style.fill : style.color), ground(node)].map(luminance);
    const ratio = (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    return [ratio, large ? 3 : 4.5, node.textContent.trim().slice(0, 40)];
  });
  return { seen: told.length, faint: told.filter(([ratio, needed]) => ratio < needed) };
}"""
# What reaches beyond the window's right side, the insides of what scrolls by itself left out.
BEYOND = """() => [...document.querySelectorAll('body *')]
  .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 && !node.closest('.wide > *, pre, svg'))
  .map((node) => `${node.tagName}#${node.id}.${node.className}`)"""


async def controls(page: Page) -> list[tuple[str, str]]:
    """Role and name of each control, as assistive software is told them."""
    session = await page.context.new_cdp_session(page)
    tree: dict[str, list[dict[str, Any]]] = await session.send("Accessibility.getFullAXTree")
    nodes = [node for node in tree["nodes"] if not node["ignored"]]
    told = [(node.get("role", {}).get("value", ""), node.get("name", {}).get("value", "")) for node in nodes]
    return [(role, name) for role, name in told if role in CONTROLS]


async def outline(page: Page) -> list[int]:
    """The levels of the headings that are seen, in order."""
    return await page.eval_on_selector_all(  # type: ignore[no-any-return]
        "h1, h2, h3, h4, h5, h6",
        "nodes => nodes.filter((each) => each.checkVisibility()).map((each) => +each.tagName[1])",
    )


async def faint(page: Page) -> list[Any]:
    """Texts whose contrast is too small."""
    found = await page.evaluate(FAINT)
    assert found["seen"] > 50
    return list(found["faint"])


async def beyond(page: Page) -> list[str]:
    """What makes the page wider than its window."""
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), await page.evaluate(BEYOND)
    return list(await page.evaluate(BEYOND))
