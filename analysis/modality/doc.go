// Package modality says how much a model looks at the picture, and how much at the words.
//
// [EMAP] takes away what a model makes of a sentence and a picture together; what it loses by that is what it did by looking
// from one to the other. [Perceptual] exchanges pictures or texts between examples. [Shapley] shares an answer out between
// words and regions (MM-SHAP), and [Interactions] between their pairs. [VisionForLanguage] and [LanguageForVision] hide
// something of one modality and take more or less of the other away. [CrossNorms] and [ValueWeighted] look inside: how long
// are the vectors that attention carries. [Use] puts the measures side by side, with intervals, beside a model that sees no
// picture.
//
// Most of these ask a model about many texts that meet many pictures. They make each of them once and let lxmert.Batch.Pairs
// say who meets whom, so that nearly all work is done where the streams meet.
package modality
