"""Losses of Keras with their gradients, and metrics over batches of different sizes."""

import jax
import keras
import numpy

from keras_values import record, uniform

LOSSES, METRICS = keras.losses, keras.metrics


def given():
    """Predictions and targets of several kinds, by name."""
    generator = numpy.random.default_rng(2000)
    logits = uniform(generator, (6, 5), -4, 4)
    exponents = numpy.exp(logits)
    probabilities = numpy.round(exponents / exponents.sum(-1, keepdims=True) * 65536) / 65536
    labels = numpy.array([0, 4, 2, 2, 1, 3])
    soft = numpy.round(generator.dirichlet(numpy.ones(5), 6) * 65536) / 65536
    angles = uniform(generator, (6, 3), -1, 1)
    embeddings = angles / numpy.linalg.norm(angles, axis=-1, keepdims=True)
    return {
        "real": uniform(generator, (6, 4), -3, 3),
        "target": uniform(generator, (6, 4), -3, 3),
        "positive": uniform(generator, (6, 4), 0.25, 5),
        "counts": generator.integers(0, 6, (6, 4)).astype(numpy.float64),
        "bits": generator.integers(0, 2, (6, 4)).astype(numpy.float64),
        "signs": generator.integers(0, 2, (6, 4)) * 2.0 - 1,
        "certainty": uniform(generator, (6, 4), 0.01, 0.99),
        "logits": logits,
        "probabilities": probabilities,
        "labels": labels,
        "rows": numpy.eye(5)[labels],
        "soft": soft,
        "image": uniform(generator, (2, 3, 3, 2), 0.05, 0.95),
        "mask": generator.integers(0, 2, (2, 3, 3, 2)).astype(numpy.float64),
        "embeddings": numpy.float32(embeddings).astype(numpy.float64),
        # Class 9 has one sample, which has nobody to be drawn to.
        "groups": numpy.array([0, 1, 0, 1, 0, 9]),
        "words": uniform(generator, (2, 3, 5), -4, 4),
        "marked": numpy.array([[0, 4, -1], [-1, 2, 1]]),
    }


# Name: Keras's loss, prediction, target, Millrace's options.
CASES = {
    "meanAbsolutePercentageError": (LOSSES.MeanAbsolutePercentageError(), "real", "target", {}),
    "meanSquaredLogarithmicError":
        (LOSSES.MeanSquaredLogarithmicError(), "positive", "counts", {}),
    "meanSquaredLogarithmicError_negative":
        (LOSSES.MeanSquaredLogarithmicError(), "real", "target", {}),
    "cosineSimilarity": (LOSSES.CosineSimilarity(), "real", "target", {}),
    "logCosh": (LOSSES.LogCosh(), "real", "target", {}),
    "huber_2": (LOSSES.Huber(delta=2), "real", "target", {"delta": 2}),
    "hinge_bits": (LOSSES.Hinge(), "real", "bits", {}),
    "hinge_signs": (LOSSES.Hinge(), "real", "signs", {}),
    "squaredHinge_bits": (LOSSES.SquaredHinge(), "real", "bits", {}),
    "squaredHinge_signs": (LOSSES.SquaredHinge(), "real", "signs", {}),
    "categoricalHinge": (LOSSES.CategoricalHinge(), "logits", "rows", {}),
    "klDivergence": (LOSSES.KLDivergence(), "probabilities", "soft", {}),
    "klDivergence_rows": (LOSSES.KLDivergence(), "probabilities", "rows", {}),
    "poisson": (LOSSES.Poisson(), "positive", "counts", {}),
    "binaryCrossentropy_smoothed":
        (LOSSES.BinaryCrossentropy(label_smoothing=0.2), "certainty", "bits",
         {"labelSmoothing": 0.2}),
    "binaryCrossentropy_smoothedLogits":
        (LOSSES.BinaryCrossentropy(from_logits=True, label_smoothing=0.2), "real", "bits",
         {"fromLogits": True, "labelSmoothing": 0.2}),
    "categoricalCrossentropy_smoothed":
        (LOSSES.CategoricalCrossentropy(label_smoothing=0.1), "probabilities", "rows",
         {"labelSmoothing": 0.1}),
    "categoricalCrossentropy_smoothedLogits":
        (LOSSES.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), "logits", "rows",
         {"fromLogits": True, "labelSmoothing": 0.1}),
    "sparseCategoricalCrossentropy_ignored":
        (LOSSES.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1), "words",
         "marked", {"fromLogits": True, "ignoreClass": -1}),
    "sparseCategoricalCrossentropy_ignored2":
        (LOSSES.SparseCategoricalCrossentropy(ignore_class=2), "probabilities", "labels",
         {"ignoreClass": 2}),
    "binaryFocalCrossentropy": (LOSSES.BinaryFocalCrossentropy(), "certainty", "bits", {}),
    "binaryFocalCrossentropy_balanced":
        (LOSSES.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.75, gamma=1.5,
                                        label_smoothing=0.1), "certainty", "bits",
         {"applyClassBalancing": True, "alpha": 0.75, "gamma": 1.5, "labelSmoothing": 0.1}),
    "binaryFocalCrossentropy_logits":
        (LOSSES.BinaryFocalCrossentropy(from_logits=True), "real", "bits", {"fromLogits": True}),
    "categoricalFocalCrossentropy":
        (LOSSES.CategoricalFocalCrossentropy(), "probabilities", "rows", {}),
    "categoricalFocalCrossentropy_soft":
        (LOSSES.CategoricalFocalCrossentropy(alpha=[0.5, 1, 0.25, 2, 1], gamma=1.5,
                                             label_smoothing=0.1), "probabilities", "soft",
         {"alpha": [0.5, 1, 0.25, 2, 1], "gamma": 1.5, "labelSmoothing": 0.1}),
    "categoricalFocalCrossentropy_logits":
        (LOSSES.CategoricalFocalCrossentropy(from_logits=True), "logits", "rows",
         {"fromLogits": True}),
    "dice": (LOSSES.Dice(), "image", "mask", {}),
    "dice_images": (LOSSES.Dice(axis=(1, 2)), "image", "mask", {"axes": [1, 2]}),
    "dice_classes": (LOSSES.Dice(axis=(0, 1, 2)), "image", "mask", {"axes": [0, 1, 2]}),
    "tversky": (LOSSES.Tversky(alpha=0.3, beta=0.7), "image", "mask",
                {"alpha": 0.3, "beta": 0.7}),
    "tversky_images": (LOSSES.Tversky(axis=(1, 2, 3)), "image", "mask", {"axes": [1, 2, 3]}),
    "circle": (LOSSES.Circle(), "embeddings", "groups", {}),
    "circle_diagonal": (LOSSES.Circle(gamma=10, margin=0.25, remove_diagonal=False),
                        "embeddings", "groups",
                        {"gamma": 10, "margin": 0.25, "removeDiagonal": False}),
    "categoricalGeneralizedCrossEntropy":
        (LOSSES.CategoricalGeneralizedCrossEntropy(), "probabilities", "labels", {}),
    "categoricalGeneralizedCrossEntropy_0.7":
        (LOSSES.CategoricalGeneralizedCrossEntropy(q=0.7), "probabilities", "labels", {"q": 0.7}),
}


def losses():
    """The loss of a batch, as Keras reduces it, and its gradient with respect to the prediction."""
    data, cases = given(), {}
    for name, (loss, prediction, target, options) in CASES.items():
        value, slope = jax.value_and_grad(lambda p: loss(data[target], p))(
            jax.numpy.asarray(data[prediction]))
        cases[name] = {"prediction": prediction, "target": target, "options": options,
                       "loss": float(value), "gradient": record(slope)}
    return {"given": {name: record(value) for name, value in data.items()}, "cases": cases}


METRIC_CASES = {
    "meanAbsoluteErrorMetric": (METRICS.MeanAbsoluteError(), "real", "target", {}),
    "meanSquaredErrorMetric": (METRICS.MeanSquaredError(), "real", "target", {}),
    "meanAbsolutePercentageErrorMetric":
        (METRICS.MeanAbsolutePercentageError(), "real", "target", {}),
    "meanSquaredLogarithmicErrorMetric":
        (METRICS.MeanSquaredLogarithmicError(), "positive", "counts", {}),
    "logCoshError": (METRICS.LogCoshError(), "real", "target", {}),
    "cosineSimilarityMetric": (METRICS.CosineSimilarity(), "real", "target", {}),
    "klDivergenceMetric": (METRICS.KLDivergence(), "probabilities", "soft", {}),
    "poissonMetric": (METRICS.Poisson(), "positive", "counts", {}),
    "binaryCrossentropyMetric":
        (METRICS.BinaryCrossentropy(label_smoothing=0.1), "certainty", "bits",
         {"labelSmoothing": 0.1}),
    "categoricalCrossentropyMetric":
        (METRICS.CategoricalCrossentropy(from_logits=True), "logits", "rows",
         {"fromLogits": True}),
    "sparseCategoricalCrossentropyMetric":
        (METRICS.SparseCategoricalCrossentropy(), "probabilities", "labels", {}),
    "hingeMetric": (METRICS.Hinge(), "real", "signs", {}),
    "squaredHingeMetric": (METRICS.SquaredHinge(), "real", "signs", {}),
    "categoricalHingeMetric": (METRICS.CategoricalHinge(), "logits", "rows", {}),
}


def metrics():
    """Metrics of batches of four and two samples together; names and directions as in Keras."""
    data, cases = given(), {}
    for name, (metric, prediction, target, options) in METRIC_CASES.items():
        for rows in (slice(0, 4), slice(4, 6)):
            metric.update_state(data[target][rows], data[prediction][rows])
        cases[name] = {"name": metric.name, "prediction": prediction, "target": target,
                       "options": options, "result": float(metric.result())}
    return {"cases": cases}
