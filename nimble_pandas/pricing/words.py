"""The words that stand around prices, in the languages of the larger shops, in small letters."""

from __future__ import annotations

#: What parts the lowest price from the highest.
TO = frozenset("to bis à a al au até ata hasta tot till til do и до through thru".split())

#: What says that other variants cost more.
FROM = frozenset(
    """from starting start starts beginning at ab von desde da dal de od från fra vanaf dès à partir від от
    より から""".split()
)

#: What says that only the highest price is known.
UP_TO = frozenset("up max maximum höchstens jusqu'à jusqu'au hasta fino bis".split())

#: What stands before the price that no longer holds.
FORMER = frozenset(
    """was were list listprice rrp msrp srp mrp uvp statt instead before old former formerly previously reg
    regular originally original orig avant antes prima vorher compare strikethrough typical""".split()
)

#: What stands before, or beside, the price that holds.
PLAIN = frozenset(
    """price prices now only just current currently our your today today's sale deal special offer buy new
    preis jetzt nur aktuell aktueller angebot prix maintenant seulement precio ahora oferta preço agora por
    prezzo ora solo cena teraz nu nur pris prijs incl inkl including inclusive excl inc vat mwst ust gst tax
    of all taxes iva tva ttc moms btw inklusive tasse incluses incluido impostos inclusos 税込 税抜
    each ea apiece stück unité unidad options""".split()
)

#: What says that the amount is taken off, or paid besides.
OTHER = frozenset(
    """save savings off coupon discount rebate cashback shipping delivery deposit fee credit gift card spare
    sparen rabatt gutschein versand économisez remise livraison ahorra descuento envío economize desconto
    frete sconto risparmi spedizione""".split()
)

#: What counts several things under one price.
SEVERAL = frozenset("for x × pack packs pcs pieces für pour para set bundle lot dozen".split())

#: What stands before the unit that a price is for.
PER = frozenset("per pro je par por al".split())

#: Units that are the item itself.
EACH = frozenset("each ea item piece pc unit stück stk unité unidad unidade pezzo".split())

#: What is given away.
FREE = frozenset("free gratis kostenlos gratuit gratuito grátis umsonst 無料 免费 무료 бесплатно".split())
