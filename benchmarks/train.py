"""The model that trains while the loop is measured: ordinary work for a worker process."""


def train(rows: int) -> float:
    """Accuracy of a small forest on made-up data."""
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier

    random = np.random.default_rng(1)
    features = random.standard_normal((rows, 10))
    labels = (features[:, 0] + features[:, 1] ** 2 > 1).astype(int)
    model = RandomForestClassifier(50, random_state=1).fit(features, labels)
    return float(model.score(features, labels))
