"""The training loop and early stopping."""

from __future__ import annotations

from mutants.mutant import Mutant

FIT = "training/fit.py"
STACKED = ("tests/training/stacked/test_population.py",)
OBJECTIVES = "training/stacked/objectives.py"
STOPPING = "training/early_stopping.py"

MUTANTS = (
    Mutant(
        name="best_weights_only_when_stopped",
        what="The best weights are taken back only if patience ran out: else the last epoch's are kept.",
        history="keras #12511, tensorflow #35634: `restore_best_weights` without an early stop",
        file=FIT,
        before="        if keeps_best or self.history.diverged:",
        after="        if self.history.stopped_early or self.history.diverged:",
    ),
    Mutant(
        name="snapshot_is_the_network_itself",
        what="The best weights are references, which training goes on to change.",
        history="pytorch tutorials PR 188, OpenKE PR 131, astnn #8: `best = model.state_dict()` without a copy",
        file=STOPPING,
        before="tensor.detach().clone()",
        after="tensor.detach()",
    ),
    Mutant(
        name="patience_off_by_one",
        what="Training goes on for one epoch more than patience says.",
        history="typical slip: > for >=",
        file=STOPPING,
        before="self.epoch - self.best_epoch >= self.patience",
        after="self.epoch - self.best_epoch > self.patience",
    ),
    Mutant(
        name="later_of_equal_epochs",
        what="Of equal scores the later epoch wins, and patience never runs out on a plateau.",
        history="typical slip: >= for >",
        file=STOPPING,
        before="        if score > self.best_score:",
        after="        if score >= self.best_score:",
    ),
    Mutant(
        name="loss_state_is_not_restored",
        what="The best network is put back without the loss's own parameters of that epoch.",
        history="pytorch_optimizer PR 327 and 332: state lost in wrappers",
        file=STOPPING,
        before="        self._modules = (network, loss)",
        after="        self._modules = (network, network)",
    ),
    Mutant(
        name="validation_in_training_mode",
        what="Validation rows are scored with dropout on.",
        history="pytorch-3dunet #53, DeepHyperX #51, qlib #1722: no `eval()` before validation",
        file=FIT,
        before='    """The network\'s scores `(n, K)` in evaluation mode, without a graph."""\n    network.eval()\n',
        after='    """The network\'s scores `(n, K)` in evaluation mode, without a graph."""\n',
    ),
    Mutant(
        name="never_back_to_training_mode",
        what="After the first validation the network stays in evaluation mode.",
        history="vsepp #4, ncsn #2: no `train()` after validation",
        file=FIT,
        before="        self.network.train()\n        self.loss.train()\n",
        after="        self.loss.train()\n",
    ),
    Mutant(
        name="memory_is_not_written",
        what="The loss stays in evaluation mode after the first epoch, so its memory stands still.",
        history="sentence-transformers #2667: a loss that depends on the mode it is called in",
        file=FIT,
        before="        self.network.train()\n        self.loss.train()\n",
        after="        self.network.train()\n        self.loss.eval()\n",
    ),
    Mutant(
        name="gradients_pile_up",
        what="Gradients of former steps are added to each step.",
        history="typical slip: `zero_grad` forgotten",
        file=FIT,
        before="            self._optimizer.zero_grad()\n",
        after="",
    ),
    Mutant(
        name="weights_normalised_by_batch",
        what="Each batch is divided by its own weight: a row's pull depends on its neighbours, and a batch of one row "
        "has no weight at all.",
        history="pytorch #50528, #61309: class weights do nothing at batch size 1",
        file=FIT,
        before="whole, _ = self.loss.sum_and_count(scores, target, index=index, sample_weight=row_weight)\n"
        "            value = whole / len(index)\n",
        after="whole, own = self.loss.sum_and_count(scores, target, index=index, sample_weight=row_weight)\n"
        "            value = whole / own\n",
    ),
    Mutant(
        name="parameters_of_the_loss_stand_still",
        what="The optimizer is not given the loss's own parameters.",
        history="Proxy-Anchor #25, FairMOT #223, sentence-transformers #2872: loss parameters that nobody trained",
        file=FIT,
        before="    if own:\n",
        after="    if own and not network:\n",
    ),
    Mutant(
        name="parameters_of_the_loss_decay",
        what="Weight decay pulls the loss's own parameters to zero.",
        history="typical slip: one group of parameters for everything",
        file=FIT,
        before='groups.append({"params": own, "weight_decay": 0.0})',
        after='groups.append({"params": own, "weight_decay": settings.weight_decay})',
    ),
    Mutant(
        name="order_from_the_global_generator",
        what="The order of rows depends on what the dropout of the network has drawn.",
        history="open-unlearning #71, #88, #137: results that the repository's own scripts do not give again",
        file=FIT,
        before="torch.randperm(n_rows, generator=order)",
        after="torch.randperm(n_rows)",
    ),
    Mutant(
        name="weights_are_not_scaled",
        what="Weights of another scale are another learning rate.",
        history="skorch #630: weights that are all one change the result",
        file=FIT,
        before="return None if weight is None else weight / weight.mean()",
        after="return weight",
    ),
    Mutant(
        name="seed_names_run_together",
        what="Seeds depend on the root alone, so that every stream draws the same numbers.",
        history="typical slip: one seed for split, initialisation and noise",
        file="training/seeds.py",
        before="np.random.SeedSequence([root, *words])",
        after="np.random.SeedSequence([root])",
    ),
    Mutant(
        name="members_are_averaged",
        what="The losses of a stack are averaged over its members, which divides every gradient by their number.",
        history="typical slip: `mean()` over a batch of models",
        file=OBJECTIVES,
        before="torch.autograd.grad(values.sum(), leaves, allow_unused=True)",
        after="torch.autograd.grad(values.mean(), leaves, allow_unused=True)",
        tests=STACKED,
    ),
    Mutant(
        name="coupled_members_are_mixed",
        what="Losses whose rows interact are evaluated on the rows of all members at once.",
        history="typical slip: a batch of models flattened into a batch of rows",
        file=OBJECTIVES,
        before="return isinstance(loss, LossModule) and card is not None and Trait.BATCH_COUPLED not in card.traits",
        after="return isinstance(loss, LossModule) and card is not None",
        tests=STACKED,
    ),
    Mutant(
        name="survivors_keep_the_moments_of_others",
        what="When members leave a stack, the optimizer's moments stay where they were.",
        history="typical slip: state addressed by position after a removal",
        file="training/stacked/adamw.py",
        before="self._first = [moment.index_select(0, index) for moment in self._first]",
        after="self._first = [moment[: len(index)].clone() for moment in self._first]",
        tests=STACKED,
    ),
    Mutant(
        name="stack_keeps_the_last_epoch",
        what="Members of a stack are given the weights of their last epoch, not of their best.",
        history="keras #12511: `restore_best_weights` without effect",
        file="training/stacked/population.py",
        before="            if found > self._best_scores[member]:",
        after="            if found > -math.inf:",
        tests=STACKED,
    ),
)
