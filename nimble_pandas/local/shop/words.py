"""The words that the shop's products are made of. Every brand is invented."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of product: its noun, the range of its price in US dollars, and its variants."""

    noun: str
    low: float
    high: float
    variants: tuple[str, ...]


class Aisle(NamedTuple):
    """One category: its brands, each of which sells every kind in it."""

    slug: str
    title: str
    brands: tuple[str, ...]
    lines: tuple[str, ...]
    colours: tuple[str, ...]
    kinds: tuple[Kind, ...]


def _kinds(text: str) -> tuple[Kind, ...]:
    """Read lines of ``noun; low-high; variant | variant``."""
    found = []
    for line in text.strip().splitlines():
        noun, prices, variants = (part.strip() for part in line.split(";"))
        low, high = (float(price) for price in prices.split("-"))
        found.append(Kind(noun, low, high, tuple(variant.strip() for variant in variants.split("|"))))
    return tuple(found)


AISLES = (
    Aisle(
        "kitchen",
        "Kitchen appliances",
        ("Norvane", "Brightwell", "Olina", "Casa Fermi"),
        ("Essential", "Studio", "Pro", "Compact"),
        ("White", "Matte Black", "Stainless Steel", "Sage Green", "Cream"),
        _kinds("""
            Air Fryer; 59-189; 4 qt | 5.8 qt | 8 qt Dual Basket
            Electric Kettle; 24-79; 1.7 L | 1 L Gooseneck
            Espresso Machine; 119-899; 15 bar | 20 bar with Milk Frother
            Stand Mixer; 149-429; 4.5 qt Tilt-Head | 6 qt Bowl-Lift
            Slow Cooker; 29-99; 6 qt Programmable | 3 qt
            2-Slice Toaster; 19-69; 7 Shade Settings | Extra-Wide Slots
            Countertop Microwave; 79-229; 0.9 cu ft, 900 W | 1.2 cu ft, 1100 W
            Personal Blender; 22-89; 600 W | 1000 W with Two Cups
        """),
    ),
    Aisle(
        "tools",
        "Tools",
        ("Halvorsen", "Ironbark", "Torque & Pine", "Mertz"),
        ("Jobsite", "20V Max", "Heritage", "HD"),
        ("Red", "Graphite", "Yellow", "Blue"),
        _kinds("""
            Cordless Drill Driver; 49-199; with 2 Batteries | Bare Tool
            Random Orbit Sander; 39-129; 5 in | 6 in
            Socket Set; 29-149; 56-Piece | 108-Piece, Metric & SAE
            Claw Hammer; 12-39; 16 oz | 20 oz
            Tape Measure; 8-29; 16 ft | 25 ft
            Circular Saw; 59-219; 7-1/4 in | 6-1/2 in
            Laser Level; 29-149; Cross-Line | Green Beam
            Adjustable Wrench Set; 18-59; 3-Piece | 4-Piece
        """),
    ),
    Aisle(
        "toys",
        "Toys & games",
        ("Pimpernel", "Little Otter", "Bramble Works", "Zoomi"),
        ("Junior", "Deluxe", "Classic", "Discovery"),
        ("Multicolor", "Rainbow", "Natural Wood", "Pastel"),
        _kinds("""
            Wooden Train Set; 19-89; 42 Pieces | 80 Pieces
            Building Blocks; 14-69; 250 Bricks | 1,000 Bricks
            Plush Bear; 9-39; 12 in | 24 in
            Board Game; 15-59; 2 to 4 Players | Family Edition
            Jigsaw Puzzle; 8-24; 500 Pieces | 1,000 Pieces
            Remote Control Car; 24-99; 1:16 Scale | 1:10 Scale, 4WD
            Science Kit; 19-49; Ages 8+ | Ages 12+
            Bath Toys; 7-19; Set of 6 | Set of 12
        """),
    ),
    Aisle(
        "grocery",
        "Groceries",
        ("Valle d'Oro", "Morningside Mills", "Señor Picante", "Three Hens"),
        ("Organic", "Family Size", "Small Batch", "Everyday"),
        ("",),
        _kinds("""
            Extra Virgin Olive Oil; 7-24; 500 ml | 1 L
            Whole Bean Coffee; 8-22; 12 oz | 2 lb
            Rolled Oats; 3-9; 18 oz | 42 oz
            Peanut Butter; 3-8; Creamy, 16 oz | Crunchy, 28 oz
            Pasta, Penne Rigate; 1.5-4; 16 oz | Case of 6
            Hot Salsa; 3-7; 16 oz | 24 oz
            Black Tea; 4-12; 40 Bags | 100 Bags
            Dark Chocolate 70%; 2.5-8; 3.5 oz | Pack of 4
        """),
    ),
    Aisle(
        "household",
        "Household",
        ("Clearbrook", "Linden", "Fjord & Fell", "Purelle Maison"),
        ("Everyday", "Ultra", "Sensitive", "Plus"),
        ("", "Unscented", "Lavender", "Citrus"),
        _kinds("""
            Laundry Detergent; 8-26; 64 Loads | 100 oz
            Dishwasher Tablets; 9-24; 42 ct | 90 ct
            Paper Towels; 7-29; 6 Double Rolls | 12 Triple Rolls
            Trash Bags; 8-21; 13 gal, 90 ct | 30 gal, 40 ct
            All-Purpose Cleaner; 3-9; 32 oz | Refill, 68 oz
            Bath Towel Set; 19-69; 4-Piece | 6-Piece
            LED Light Bulbs; 6-22; 60 W Equivalent, 4-Pack | 8-Pack
            Storage Bins; 15-49; 6 qt, Set of 5 | 66 qt, Set of 4
        """),
    ),
    Aisle(
        "electronics",
        "Electronics",
        ("Voltaro", "Kestrel", "Nimbus Audio", "Hanamori"),
        ("Air", "Max", "S2", "Lite"),
        ("Black", "Silver", "Navy", "Rose"),
        _kinds("""
            Wireless Earbuds; 29-179; with Charging Case | Noise Cancelling
            Bluetooth Speaker; 25-149; Waterproof | 360° Sound
            43" 4K Smart TV; 198-449; 2025 Model | with Wall Mount
            USB-C Charger; 15-59; 65 W | 100 W, 4 Ports
            Mechanical Keyboard; 45-159; Tenkeyless | Full Size, RGB
            27" Monitor; 139-399; 1440p, 165 Hz | 4K, USB-C
            Portable SSD; 69-219; 1 TB | 2 TB
            Robot Vacuum; 149-599; with Mapping | Self-Emptying
        """),
    ),
    Aisle(
        "garden",
        "Garden & outdoor",
        ("Tamarack", "Greenhollow", "Sol y Sombra", "Ridgeline"),
        ("Patio", "Evergreen", "All-Season", "Trail"),
        ("Forest Green", "Terracotta", "Charcoal", "Sand"),
        _kinds("""
            Garden Hose; 19-69; 50 ft | 100 ft Expandable
            Raised Planter Box; 39-149; 48 x 24 in | Elevated, with Legs
            Propane Grill; 149-599; 2-Burner | 4-Burner
            Camping Tent; 59-249; 2-Person | 6-Person
            Folding Chair; 19-59; with Cup Holder | Set of 2
            Pruning Shears; 11-39; Bypass | Ratchet
            Solar Path Lights; 18-59; 8-Pack | 12-Pack
            Insulated Cooler; 29-199; 24 qt | 54 qt, Wheeled
        """),
    ),
    Aisle(
        "office",
        "Office & school",
        ("Papyrus Lane", "Inkwell", "Desmond Bros.", "Kōyō"),
        ("Campus", "Executive", "Studio", "Daily"),
        ("Blue", "Assorted", "Black", "Kraft"),
        _kinds("""
            Gel Pens; 5-19; 0.7 mm, 12-Pack | 0.5 mm, 24-Pack
            Spiral Notebooks; 4-18; College Ruled, 3-Pack | Dot Grid, A5
            Ergonomic Office Chair; 99-389; Mesh Back | with Headrest
            Desk Lamp; 18-79; LED, Dimmable | with USB Port
            Backpack; 25-99; 25 L | 15.6" Laptop
            Document Shredder; 35-159; 8-Sheet | 12-Sheet, Cross-Cut
            Copy Paper; 7-45; 500 Sheets | 5 Reams
            Highlighters; 4-12; 6 Colors | Pastel, 10-Pack
        """),
    ),
    Aisle(
        "pets",
        "Pets",
        ("Waggle", "Fine Whiskers", "Burrow & Bowl", "Canis"),
        ("Natural", "Senior", "Puppy", "Indoor"),
        ("",),
        _kinds("""
            Dry Dog Food; 14-69; Chicken, 15 lb | Lamb, 30 lb
            Wet Cat Food; 9-34; Salmon, 12 x 3 oz | Variety, 24-Pack
            Clumping Cat Litter; 8-26; 20 lb | 40 lb
            Dog Bed; 19-99; Medium | Large, Orthopedic
            Retractable Leash; 11-35; 16 ft | 26 ft, up to 110 lb
            Scratching Post; 18-79; 32 in | 60 in Tree
            Aquarium Kit; 39-169; 5 gal | 20 gal
            Training Treats; 4-15; 6 oz | 16 oz
        """),
    ),
    Aisle(
        "sports",
        "Sports & fitness",
        ("Ridgeline", "Cadence", "Bold North", "Tidewater"),
        ("Active", "Elite", "Core", "Endurance"),
        ("Black", "Teal", "Coral", "Grey"),
        _kinds("""
            Yoga Mat; 15-69; 6 mm | Extra Thick, 10 mm
            Adjustable Dumbbells; 79-349; 25 lb Pair | 52.5 lb Pair
            Insulated Water Bottle; 14-42; 24 oz | 40 oz
            Road Bike Helmet; 29-129; M | L, with Light
            Resistance Bands; 9-35; Set of 5 | with Door Anchor
            Foam Roller; 14-39; 18 in | 36 in
            Soccer Ball; 12-49; Size 5 | Size 4
            Running Belt; 11-29; with Bottle | Slim
        """),
    ),
)

# Names that break what does not escape: (aisle, brand, name, price in US dollars).
AWKWARD = (
    ("grocery", "Tom & Jo's", "Tom & Jo's <b>BOLD</b> Peanut Butter, 16 oz", 6.49),
    ("grocery", "Café Léa", 'Café Léa "Grand Cru" Espresso Beans — 1 kg', 24.9),
    ("grocery", "東京食堂", "東京食堂 醤油ラーメン 5食パック", 7.2),
    ("toys", "Bramble Works", "Bramble Works </script><script>alert(1)</script> Spy Kit", 29.0),
    ("tools", "Mertz", 'Mertz 3/8" & 1/2" Drive Ratchet Set; 4\' Extension', 64.5),
    ("household", "Purelle Maison", "Purelle Maison L'Été Bougie Parfumée, 220 g", 18.0),
    ("electronics", "Kestrel", "Kestrel M&M's® Edition Earbuds & <i>Case", 59.0),
    ("pets", "Canis", "Canis Größe L Hundebett, Äpfel & Öl", 49.9),
    ("office", "Kōyō", "高陽 Kōyō 万年筆 Fountain Pen 極細 <EF>", 38.0),
    ("garden", "Sol y Sombra", "Sol y Sombra Ñandú Maceta de Barro Ø 30 cm", 21.5),
    ("sports", "Tidewater", "Tidewater 100% {Cotton} \\ [Terry] Towel %20 'XL'", 16.0),
    ("kitchen", "Olina", "Olina Čajník 1,5 l 🍵 Tea Kettle", 44.0),
)
