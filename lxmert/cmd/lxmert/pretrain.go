package main

// This file is what `lxmert pretrain --help` says; the command is that of a task, see taskCommand.

const pretrainHelp = `Pre-trains a model with six losses: masked words, whether the sentence is about the picture, objects, attributes and
features of regions, and answers. Flags, files and folders are the reference's: sentences in data/lxmert/<source>.json,
the answers in data/lxmert/all_ans.json, region features in data/*_imgfeat. The output folder has log.log, metrics.jsonl
with every loss, EpochNN_LXRT.pth after each epoch, and BEST_EVAL_LOSS_LXRT.pth, all of which PyTorch loads.

Sentences of your own are a JSON list of {"img_id": "…", "sentf": {"captions": ["…", …], "questions": ["…", …]},
"labelf": {"questions": [{"answer": 1}, …]}}: any categories, with labels where there are answers, of which those in the
answer table count. mine.json is named by --train mine, and its regions are in data/lxmert/mine_obj36.tsv, or else in
data/mscoco_imgfeat/mine_obj36.tsv. --load goes on from a model with all its heads; --loadLXMERT takes of one what fits.
Regions may have another width or number than the model's, --objects and --attributes name files with the names of your
detector's classes, one per line, and data/lxmert/all_ans.json may have answers of your own: what that changes is said head
by head, as in "object head: 1600 classes -> 12 of objects.txt: drawn anew". --maskedOnly learns objects and attributes of
masked regions alone, as the paper has it; the published code learns them of all regions. --curriculum 1,0.5 goes through the
sources of --train one after the other, each for so many epochs; each leaves a snapshot.

After each epoch, the log and metrics.jsonl also have how well the model tells a sentence's own picture from another one
(match AUC: 0.5 is chance, 1 is always; by category), and what masked words cost with the picture and without it, in nats
per word piece, on up to 2000 sentences to validate on, the same ones after every epoch. Sentences that fit many pictures,
as questions do, keep the AUC low however good a model is.

The reference's accuracy counts questions whose sentence was swapped for that of another picture as well; the standard
error says what it is without them.

--plan says what the run would take before it is made: files, sentences, steps, memory, disk, and the time that ten steps
predict. It packs no features and writes nothing.

A run that was interrupted or killed goes on with the same command and --resume, to the very same end; on a GPU that takes
--deterministic from the beginning.

A loss of your own beside the six, with parameters of its own, is a program in Go: see package lxmert/task/own.`

const pretrainExamples = `  lxmert pretrain --plan --fromScratch --batchSize 256
  lxmert pretrain --fromScratch --batchSize 256 --lr 1e-4 --epochs 20 --output snap/pretrain/lxmert
  lxmert pretrain --load snap/pretrained/model --train mine --valid "" --epochs 2 --output snap/pretrain/mine
  lxmert pretrain --loadLXMERT snap/pretrained/model --train mine --valid "" --objects objects.txt --attributes attributes.txt
  lxmert ask --load snap/pretrain/lxmert/Epoch20 …`
