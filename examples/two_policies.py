"""Which routing rules would have served last week better? Two policies over the same orders, and one number swept."""

# %%
from omscore import routing as r
from omscore import samples, simulate

NETWORK = samples.network("benelux-5")
LEDGER, ORDERS = samples.ledger(NETWORK, seed=7, orders=300), samples.orders(300, seed=7)

NEAR = r.Policy(
    "near",
    routes=(
        r.Route(
            "all",
            rules=(
                r.Rule("one stop", require=(r.whole_order(),), prefer=(r.nearest(),)),
                r.Rule("split", require=(r.has_stock(),), prefer=(r.fewest_splits(), r.nearest()), stops_max=3),
            ),
        ),
    ),
    otherwise=r.park("later"),
)


# %% [markdown]
# The ledger is forked for each run: nothing that is tried here touches the live one.


# %%
TODAY = simulate.run(NEAR, ORDERS, NETWORK, LEDGER)
CANDIDATE = simulate.run(r.packs.value_threshold(), ORDERS, NETWORK, LEDGER)
COMPARED = simulate.compare(today=TODAY, candidate=CANDIDATE)


# %% [markdown]
# Then one number: how much must a split save before it is worth a second parcel?

# %%
SWEPT = simulate.sweep(r.packs.single_location, {"saving": ["0.00", "2.00", "5.00", "10.00"]}, ORDERS, NETWORK, LEDGER)


# %%
def main() -> None:
    print(COMPARED)
    for moved in COMPARED.moved[:3]:
        print(f"\n{moved}\n  {moved.why}")
    print("\nWhat a split must save:\n")
    print(SWEPT)


if __name__ == "__main__":
    main()
