"""Metrics of Keras that add up several numbers, over two batches, with and without weights."""

import keras
import numpy

from keras_values import record, uniform

METRICS = keras.metrics


def given():
    """Predictions and targets of several kinds, by name."""
    generator = numpy.random.default_rng(3000)
    exponents = numpy.exp(uniform(generator, (60, 5), -3, 3))
    probabilities = numpy.round(exponents / exponents.sum(-1, keepdims=True) * 65536) / 65536
    labels = generator.integers(0, 5, 60)
    chances = uniform(generator, (60, 1), 0, 1)
    chances[:4, 0] = [0, 1, 0.5, 0]
    answers = (uniform(generator, (60, 1), 0, 1) < 0.2 + 0.6 * chances).astype(numpy.float64)
    target = uniform(generator, (60, 4), -3, 3)
    return {
        "chances": chances,
        "answers": answers,
        "logits": uniform(generator, (60, 1), -4, 4),
        "certainty": uniform(generator, (60, 3), 0, 1),
        "bits": generator.integers(0, 2, (60, 3)).astype(numpy.float64),
        "evidence": uniform(numpy.random.default_rng(3002), (60, 3), -4, 4),
        "probabilities": probabilities,
        "steps": numpy.floor(probabilities * 8) / 8,
        "labels": labels,
        "rows": numpy.eye(5)[labels],
        "target": target,
        "line": target[:, :1] * 0.5 + uniform(generator, (60, 1), -1, 1),
        "lineTarget": target[:, :1],
        "near": target * 0.75 + uniform(generator, (60, 4), -1, 1),
    }




BINARY = ("chances", "answers")
SEVERAL = ("certainty", "bits")
CLASSES = ("probabilities", "rows")
LABELS = ("probabilities", "labels")
REAL = ("near", "target")

# Name: a maker of Keras's metric, prediction and target, Millrace's arguments.
CASES = {
    "precision": (METRICS.Precision, BINARY, []),
    "precision_0.3": (lambda: METRICS.Precision(thresholds=0.3), SEVERAL, [{"thresholds": 0.3}]),
    "precision_list": (lambda: METRICS.Precision(thresholds=[0.2, 0.7, 0.5]), SEVERAL,
                       [{"thresholds": [0.2, 0.7, 0.5]}]),
    "precision_top": (lambda: METRICS.Precision(top_k=2), CLASSES, [{"topK": 2}]),
    "precision_top_thresholds": (
        lambda: METRICS.Precision(top_k=3, thresholds=[0.1, 0.25], class_id=3), CLASSES,
        [{"topK": 3, "thresholds": [0.1, 0.25], "classId": 3}]),
    "precision_class": (lambda: METRICS.Precision(class_id=1), SEVERAL, [{"classId": 1}]),
    "recall": (METRICS.Recall, BINARY, []),
    "recall_class": (lambda: METRICS.Recall(class_id=2), CLASSES, [{"classId": 2}]),
    "recall_list": (lambda: METRICS.Recall(thresholds=[0.3, 0.6]), SEVERAL,
                    [{"thresholds": [0.3, 0.6]}]),
    "recall_top": (lambda: METRICS.Recall(top_k=2), CLASSES, [{"topK": 2}]),
    "recall_top_ties": (lambda: METRICS.Recall(top_k=2), ("steps", "rows"), [{"topK": 2}]),
    "recall_top_class": (lambda: METRICS.Recall(top_k=1, class_id=2), CLASSES,
                         [{"topK": 1, "classId": 2}]),
    "truePositives": (METRICS.TruePositives, SEVERAL, []),
    "trueNegatives": (METRICS.TrueNegatives, SEVERAL, []),
    "falsePositives_list": (lambda: METRICS.FalsePositives(thresholds=[0.9, 0.4]), SEVERAL,
                            [{"thresholds": [0.9, 0.4]}]),
    "falsePositives": (METRICS.FalsePositives, SEVERAL, []),
    "falseNegatives": (METRICS.FalseNegatives, SEVERAL, []),
    "auc": (METRICS.AUC, BINARY, []),
    "auc_several": (METRICS.AUC, SEVERAL, []),
    "auc_PR": (lambda: METRICS.AUC(curve="PR"), BINARY, [{"curve": "PR"}]),
    "auc_minoring": (lambda: METRICS.AUC(summation_method="minoring", num_thresholds=20), BINARY,
                     [{"summationMethod": "minoring", "numThresholds": 20}]),
    "auc_PR_majoring": (
        lambda: METRICS.AUC(curve="PR", summation_method="majoring", num_thresholds=20), BINARY,
        [{"curve": "PR", "summationMethod": "majoring", "numThresholds": 20}]),
    "auc_thresholds": (lambda: METRICS.AUC(thresholds=[0.2, 0.6, 0.35]), BINARY,
                       [{"thresholds": [0.2, 0.6, 0.35]}]),
    "auc_logits": (lambda: METRICS.AUC(from_logits=True), ("logits", "answers"),
                   [{"fromLogits": True}]),
    "auc_labels": (lambda: METRICS.AUC(multi_label=True), SEVERAL, [{"multiLabel": True}]),
    "auc_labels_PR": (
        lambda: METRICS.AUC(multi_label=True, num_labels=3, curve="PR", label_weights=[1, 3, 0.5]),
        SEVERAL, [{"multiLabel": True, "numLabels": 3, "curve": "PR",
                   "labelWeights": [1, 3, 0.5]}]),
    "auc_labels_logits": (
        lambda: METRICS.AUC(multi_label=True, from_logits=True, label_weights=[2, 0, 5],
                            num_thresholds=30, summation_method="majoring"),
        ("evidence", "bits"),
        [{"multiLabel": True, "fromLogits": True, "labelWeights": [2, 0, 5], "numThresholds": 30,
          "summationMethod": "majoring"}]),
    "auc_weights": (lambda: METRICS.AUC(label_weights=[1, 3, 0.5]), SEVERAL,
                    [{"labelWeights": [1, 3, 0.5]}]),
    "sensitivityAtSpecificity": (lambda: METRICS.SensitivityAtSpecificity(0.7), BINARY, [0.7]),
    "specificityAtSensitivity": (lambda: METRICS.SpecificityAtSensitivity(0.6), BINARY, [0.6]),
    "precisionAtRecall": (lambda: METRICS.PrecisionAtRecall(0.65), BINARY, [0.65]),
    "recallAtPrecision": (lambda: METRICS.RecallAtPrecision(0.6), BINARY, [0.6]),
    "recallAtPrecision_never": (lambda: METRICS.RecallAtPrecision(1, num_thresholds=5), SEVERAL,
                                [1, {"numThresholds": 5}]),
    "fBetaScore_2": (lambda: METRICS.FBetaScore(beta=2.0, threshold=0.4), SEVERAL,
                     [{"beta": 2, "threshold": 0.4}]),
    "f1Score": (METRICS.F1Score, CLASSES, []),
    "f1Score_micro": (lambda: METRICS.F1Score(average="micro"), CLASSES, [{"average": "micro"}]),
    "f1Score_macro": (lambda: METRICS.F1Score(average="macro"), CLASSES, [{"average": "macro"}]),
    "f1Score_weighted": (lambda: METRICS.F1Score(average="weighted"), CLASSES,
                         [{"average": "weighted"}]),
    "meanIoU": (lambda: METRICS.MeanIoU(5, sparse_y_pred=False), LABELS, [5]),
    "iou": (lambda: METRICS.OneHotIoU(5, [0, 3]), CLASSES, [5, [0, 3]]),
    "binaryIoU": (lambda: METRICS.BinaryIoU([1]), BINARY,
                  [{"targetClassIds": [1]}]),
    "r2Score": (METRICS.R2Score, REAL, []),
    "r2Score_variance": (
        lambda: METRICS.R2Score(class_aggregation="variance_weighted_average"),
        REAL, [{"classAggregation": "varianceWeightedAverage"}]),
    "r2Score_regressors": (lambda: METRICS.R2Score(num_regressors=3), ("line", "lineTarget"),
                           [{"numRegressors": 3}]),
    "r2Score_none": (lambda: METRICS.R2Score(class_aggregation=None), REAL,
                     [{"classAggregation": "none"}]),
    "pearsonCorrelation": (METRICS.PearsonCorrelation, REAL, []),
    "concordanceCorrelation": (METRICS.ConcordanceCorrelation, REAL, []),
    "rootMeanSquaredError": (METRICS.RootMeanSquaredError, REAL, []),
    "topKCategoricalAccuracy_2": (lambda: METRICS.TopKCategoricalAccuracy(k=2), CLASSES,
                                  [{"k": 2}]),
    "sparseTopKCategoricalAccuracy_3": (lambda: METRICS.SparseTopKCategoricalAccuracy(k=3), LABELS,
                                        [{"k": 3}]),
}


def result_of(make, prediction, target, weight):
    """The metric over 40 and then 20 samples."""
    metric = make()
    for rows in (slice(0, 40), slice(40, 60)):
        whole = isinstance(metric, METRICS.IoU)
        several = target.ndim > 1 and isinstance(metric, METRICS.RootMeanSquaredError)
        # Keras makes the weights of IoU whole numbers; only their ratios matter.
        weights = None if weight is None else weight[rows] * (4 if whole else 1)
        if several and weights is not None:
            weights = numpy.repeat(weights[:, None], target.shape[1], axis=1)
        metric.update_state(target[rows], prediction[rows], sample_weight=weights)
    return metric.name, numpy.asarray(metric.result(), dtype=numpy.float64).tolist()


def vector_metrics():
    """All cases, plain and weighted."""
    data = given()
    weight = numpy.random.default_rng(3001).integers(0, 9, 60) / 4
    cases = {}
    for name, (make, (prediction, target), arguments) in CASES.items():
        keras_name, result = result_of(make, data[prediction], data[target], None)
        _, weighted = result_of(make, data[prediction], data[target], weight)
        cases[name] = {"name": keras_name, "prediction": prediction, "target": target,
                       "arguments": arguments, "result": result, "weighted": weighted}
    return {"given": {name: record(value) for name, value in data.items()},
            "weight": record(weight), "cases": cases}
