"""Votes of every region by option, newest version. Python 3, nothing else.

python3 results.py https://results.example/api/v1/elections/ID
"""
import json
import sys
import urllib.request


def get(path: str):
    with urllib.request.urlopen(sys.argv[1] + path, timeout=20) as answer:
        return json.load(answer)


definition = get("?keys=false")
snapshot = get("/results")
contest = definition["contests"][0]
names = {option["id"]: option["name"]["en"] for option in contest["options"]}
print(f"# {'SIMULATION ' if snapshot['test'] else ''}{snapshot['generated_at']} {definition['data_licence']}")
for unit in snapshot["units"]:
    # Before votes may be published there are none: get() of None is no zero.
    urns = unit["contests"].get(contest["id"], {}).get("urns", {})
    for option, votes in urns.get("votes", {}).items():
        print(unit["id"], names[option], votes, sep="\t")
