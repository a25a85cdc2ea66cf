// Package calibration says how far a model's confidence can be trusted: whether it answers better where it is surer.
//
// A reliability diagram alone misleads where answers are scored softly, so beside it stand the measures of selective
// answering: the model answers where its confidence is high enough and abstains elsewhere. Coverage is the share it answers,
// risk the mean of 1 - accuracy of these.
//
//	for each answer: all = append(all, calibration.Answer{Confidence: p, Accuracy: score})
//	c := calibration.Measure(all)                       // AURC, coverage at 1, 5, 10 and 20 % risk, ECE, Brier score
//	t, ok := calibration.Temperature(rows)              // that makes the logits of another split likeliest
//
// A head that was trained with binary cross-entropy, such as VQA's, has a probability for each answer by itself, the sigmoid of its logit
// ([Scored.Binary]); a temperature divides the logits there, too, and is the one that makes this cross-entropy least. It changes how sure
// each answer is but never which are surer than others, nor which are above a half. Taken as one distribution instead, by softmax of the
// same logits, the head has another confidence, order and temperature.
//
// Sources: Geifman, Uziel and El-Yaniv, "Bias-reduced uncertainty estimation for deep neural classifiers" (2019; AURC), Whitehead
// et al., "Reliable visual question answering" (2022; effective reliability), Guo et al., "On calibration of modern neural
// networks" (2017; ECE, temperature).
package calibration
