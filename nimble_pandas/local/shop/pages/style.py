"""How the shop looks."""

from __future__ import annotations

STYLE = """
:root { --ink: #1d2433; --soft: #667085; --line: #e6e8ee; --leaf: #0f766e; --sun: #f59e0b; --bg: #f7f7f5 }
* { box-sizing: border-box }
body { margin: 0; font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; color: var(--ink);
  background: var(--bg) }
a { color: inherit; text-decoration: none }
a:hover { text-decoration: underline }
header { background: #fff; border-bottom: 1px solid var(--line) }
.bar, main, footer { max-width: 1080px; margin: 0 auto; padding: 14px 20px }
.bar { display: flex; gap: 12px 22px; align-items: center; flex-wrap: wrap }
.logo { font-weight: 800; font-size: 20px; letter-spacing: -.5px }
.logo b { color: var(--leaf) }
form { flex: 1; min-width: 180px }
input[type=search] { width: 100%; padding: 8px 14px; border: 1px solid var(--line); border-radius: 999px;
  font: inherit; background: var(--bg) }
.markets { display: flex; gap: 4px; flex-wrap: wrap; font-size: 13px }
.markets a { padding: 3px 8px; border-radius: 999px; color: var(--soft) }
.markets a.on { background: var(--leaf); color: #fff }
h1 { font-size: 26px; line-height: 1.2; margin: 8px 0 }
h2 { font-size: 14px; text-transform: uppercase; letter-spacing: .06em; color: var(--soft);
  margin: 30px 0 10px }
.notice { background: #fff7e6; border: 1px solid #fde3ad; border-radius: 10px; padding: 8px 14px;
  margin: 0 0 14px }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 16px }
i { font-style: normal }
.card { background: #fff; border: 1px solid var(--line); border-radius: 14px; overflow: hidden;
  display: flex;
  flex-direction: column }
.card img { width: 100%; aspect-ratio: 4/3; display: block }
.card div { padding: 12px 14px; display: flex; flex-direction: column; flex: 1; font-weight: 600 }
.card h2 { all: unset }
.card p { margin: 6px 0 0; font-weight: 400 }
.card p:nth-of-type(1) { margin-top: auto; padding-top: 8px }
.price { font-size: 19px; font-weight: 700 }
.was { color: var(--soft); text-decoration: line-through; margin-left: 8px; font-weight: 400;
  font-size: 15px }
.soft, .stars { color: var(--soft); font-size: 13px }
.stars::before { content: "\\2605\\00a0"; color: var(--sun) }
.aisles { display: flex; gap: 8px; flex-wrap: wrap }
.aisles a { background: #fff; border: 1px solid var(--line); border-radius: 999px; padding: 6px 14px }
.product { display: grid; grid-template-columns: minmax(240px, 420px) 1fr; gap: 34px; margin-top: 10px }
.product > img { width: 100%; border-radius: 18px; border: 1px solid var(--line); background: #fff }
.big, .product .price { font-size: 30px; font-weight: 800; margin: 10px 0 }
.in { color: var(--leaf); font-weight: 600 }
.out { color: #b42318; font-weight: 600 }
table { border-collapse: collapse; font-size: 14px; margin-top: 14px }
td, th { text-align: left; padding: 4px 18px 4px 0; border-bottom: 1px solid var(--line); font-weight: 400 }
th { color: var(--soft) }
footer { color: var(--soft); font-size: 13px; border-top: 1px solid var(--line); margin-top: 40px }
@media (max-width: 700px) { .product { grid-template-columns: 1fr } }
"""
