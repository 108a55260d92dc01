"""Exports a PyTorch network to ONNX, with what `afield publish` reads beside it.

Run with Debian's python3-torch, python3-onnx and python3-sklearn, which only provides the data: the Wine recognition
data of the UCI repository.
"""

import json
from pathlib import Path

import torch
from sklearn.datasets import load_wine
from sklearn.metrics import accuracy_score, precision_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from torch import nn

HERE = Path(__file__).resolve().parent
FIELDS = [
    "alcohol",
    "malic_acid",
    "ash",
    "alcalinity_of_ash",
    "magnesium",
    "total_phenols",
    "flavanoids",
    "nonflavanoid_phenols",
    "proanthocyanins",
    "color_intensity",
    "hue",
    "od280_od315",
    "proline",
]
CULTIVARS = ["cultivar_0", "cultivar_1", "cultivar_2"]


class WineNet(nn.Module):
    """float32 [batch, 13] as measured -> shares [batch, 3]. Standardising is part of the network."""

    def __init__(self, mean, scale):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.layers = nn.Sequential(nn.Linear(13, 16), nn.Tanh(), nn.Linear(16, 3))

    def scores(self, measured):
        return self.layers((measured - self.mean) / self.scale)

    def forward(self, measured):
        return torch.softmax(self.scores(measured), dim=1)


def train(features, cultivars):
    network = WineNet(features.mean(dim=0), features.std(dim=0))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01, weight_decay=1e-3)
    loss = nn.CrossEntropyLoss()
    for _ in range(200):
        optimiser.zero_grad()
        loss(network.scores(features), cultivars).backward()
        optimiser.step()
    return network.eval()


def golden_vectors(network, rows):
    """What PyTorch itself answers: the truth that the export is held to."""
    with torch.no_grad():
        answers = network(rows)
    return [
        {
            "input": dict(zip(FIELDS, (round(value, 4) for value in row))),
            "output": dict(zip(CULTIVARS, (round(share, 6) for share in shares))),
        }
        for row, shares in zip(rows.tolist(), answers.tolist())
    ]


def main():
    torch.manual_seed(7)
    torch.set_num_threads(1)
    features, cultivars = load_wine(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        features, cultivars, test_size=0.3, random_state=7, stratify=cultivars
    )
    network = train(torch.tensor(train_x, dtype=torch.float32), torch.tensor(train_y))
    rows = torch.tensor(test_x, dtype=torch.float32)

    with torch.no_grad():
        shares = network(rows).numpy()
    answers = shares.argmax(axis=1)
    metrics = {
        "accuracy": round(float(accuracy_score(test_y, answers)), 4),
        "precision": round(float(precision_score(test_y, answers, average="macro")), 4),
        "recall": round(float(recall_score(test_y, answers, average="macro")), 4),
        "auc": round(float(roc_auc_score(test_y, shares, multi_class="ovr")), 4),
        "rows_train": len(train_y),
        "rows_test": len(test_y),
        "framework": f"PyTorch {torch.__version__}",
    }

    torch.onnx.export(
        network,
        rows[:1],
        str(HERE / "wine.onnx"),
        input_names=["measured"],
        output_names=["shares"],
        dynamic_axes={"measured": {0: "batch"}, "shares": {0: "batch"}},
        opset_version=13,
    )
    (HERE / "wine.golden.json").write_text(json.dumps(golden_vectors(network, rows[:12]), indent=2) + "\n")
    (HERE / "wine.metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    print(metrics)


if __name__ == "__main__":
    main()
