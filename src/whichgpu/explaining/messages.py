"""The sentence of every code. Placeholders are the values of the code, written by ``quantities.shown``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from whichgpu.explaining.language import N_

REASONS: Final[Mapping[str, str]] = {
    "bound_compute": N_("The time goes into arithmetic ({precision})."),
    "bound_bandwidth": N_("The time goes into moving data: memory bandwidth decides."),
    "bound_launch": N_("The work is so small that starting kernels takes most of the time; a faster GPU hardly helps."),
    "bound_link": N_("The link between GPUs decides."),
    "bound_power": N_("The board's power limit holds its arithmetic ({precision}) back."),
    "bound_host": N_("The framework and the processor that drives the GPU take most of the time."),
    "bound_input": N_("Copying the input to the GPU decides."),
    "fits": N_("It fits: {peak_memory_bytes} of {usable_memory_bytes} of memory, {spare_fraction} to spare."),
    "tight": N_("It may just fit: about {peak_memory_bytes} of {usable_memory_bytes} of memory."),
    "speedup_over_cpu": N_("{factor} the speed of the processor {cpu}."),
    "as_fast_as_cpu": N_("As fast as the processor {cpu}."),
    "slower_than_cpu": N_("Slower than the processor {cpu} ({factor} the time)."),
    "speedup_over_own": N_("{factor} the speed of your {own}."),
    "supported": N_("{framework} supports it officially ({os})."),
    "support_vendor-build": N_("{framework} runs in the vendor's own build ({os})."),
    "support_in-wheels": N_("{framework}'s packages have kernels for it, but nobody supports it officially ({os})."),
    "support_experimental": N_("{framework} calls its support experimental ({os})."),
    "support_by-override": N_("{framework} runs only when told to take it for another GPU ({os}); unsupported."),
    "support_source-build": N_(
        "{framework}'s own packages do not run on it: build from source or use a container ({os})."
    ),
    "support_community": N_("{framework} runs only in other people's builds ({os}); unsupported."),
    "support_unknown": N_("Whether {framework} runs on it is not known to the catalogue."),
    "support_ends": N_("Support ends with {until} (announced {date})."),
    "install": N_("To install it: `{command}`."),
    "precision_fallback": N_("It has no unit for {asked}: {actual} is computed instead."),
    "precision_emulated": N_("It has no unit for {asked}: it is emulated, and slow."),
    "owned": N_("You have it already: it costs electricity only."),
    "price": N_("{way}: {money} ({date}, {source})."),
    "list_price": N_("{way}, list price: {money} ({date}, {source}); shops may ask more."),
    "rent": N_("Rent: {money} an hour ({date}, {source})."),
    "converted": N_("Converted from {money} at the rate of {date}; local taxes and freight are not in it."),
    "launch_price": N_("No current price is known; launch price {money} ({date})."),
    "no_price": N_("No price is known."),
    "discontinued": N_("It is no longer to be had."),
    "modules_only": N_("Not for a computer of one's own: offered in servers, to rent."),
    "computer_only": N_("Sold only as part of a computer."),
    "laptop_power": N_("A notebook part: its speed depends on the power the notebook allows ({min_w} to {max_w})."),
    "passive_cooling": N_("Without a fan of its own: needs the airflow of a server."),
    "one_of_devices": N_("The board shows itself as {devices} devices; this is one of them."),
    "power_limited": N_("Held to {held_w} here: {slowdown} the time of a free board."),
    "link_narrowed": N_(
        "Its link is PCIe {generation} x{lanes} here: {slowdown} the time of a step, for the copies from the host."
    ),
    "licence_no_datacenter": N_("The licence of NVIDIA's consumer drivers does not allow use in a datacentre."),
    "length_unknown": N_("Its length is not in the catalogue: check that your board is no longer than {limit_m}."),
    "eps_connector": N_("Takes the plug of a processor (EPS), or an adapter for two 8-pin plugs."),
    "no_display_outputs": N_("Has no outlet for a screen."),
    "large_bar_needed": N_("The firmware must map {memory_bytes} of memory (above 4G decoding); old boards cannot."),
    "tied": N_("Cannot be told apart from {with}: the intervals overlap."),
}

NOTES: Final[Mapping[str, str]] = {
    "cpu_is_enough": N_(
        "Use what you have: the first of the ranking ({gpu}) is only {factor} the speed of the processor {cpu}."
    ),
    "cpu_may_be_enough": N_(
        "Perhaps use what you have: the first of the ranking ({gpu}) is predicted at {factor} the speed of the "
        "processor {cpu}, but the ranges of the two predictions overlap."
    ),
    "cpu_is_as_fast": N_("Use what you have: the first of the ranking ({gpu}) is no faster than the processor {cpu}."),
    "cpu_is_faster": N_(
        "Use what you have: the processor {cpu} is {factor} the speed of the first of the ranking ({gpu})."
    ),
    "cpu_finishes_soon": N_("Use what you have: the processor {cpu} finishes the whole work in about {finish_s}."),
    "keep_own": N_("Keep your {own}: {gpu} is only {factor} its speed."),
    "gpu_pays": N_("A GPU matters: the first of the ranking ({gpu}) is {factor} the speed of the processor {cpu}."),
    "no_gpu_qualifies": N_("No GPU qualifies. The nearest ones:"),
    "largest_batch": N_("No GPU holds this batch: the largest that fits anywhere is {batch}, on {gpu}."),
    "fits_nowhere": N_("It fits no GPU at any batch, not even the one with the most memory, {gpu}."),
    "relax": N_("The nearest is {gpu}; in the way stand: {requirements}."),
    "input_bound": N_(
        "A faster GPU would wait for your {what}: it delivers {samples_per_s}. That holds {count} of the ranked GPUs "
        "back."
    ),
    "latency_percentile_from_interval": N_(
        "The upper end of each range was held against the limit, since the {percentile}th percentile is asked for; "
        "waiting in a queue is not in it."
    ),
    "two_cards_power_only": N_("{cards} cards were counted for power and heat; the speed shown is that of one."),
    "simulator_outside": N_("Networks and updates only: the simulator is not in these figures."),
    "rent_beats_buying": N_(
        "Rent: for {hours} hours of {gpu}, {rent_money} an hour is less than {board_money} for a board "
        "(even at {break_even_hours} hours; resale not counted)."
    ),
    "buying_beats_rent": N_(
        "Buy: in {hours} hours of {gpu}, a board for {board_money} is less than {rent_money} an hour "
        "(even at {break_even_hours} hours; resale not counted)."
    ),
    "free_notebook": N_(
        "Free: {provider} lends a {gpu}, at most {session_hours} hours a session, without guarantee; the work is "
        "predicted to take {finish_s} there ({date})."
    ),
    "free_notebook_week": N_(
        "Free: {provider} lends a {gpu}, at most {session_hours} hours a session and {week_hours} a week, without "
        "guarantee; the work is predicted to take {finish_s} there: {sessions} sessions, with a checkpoint after each "
        "({date})."
    ),
    "higher_budget_would_change": N_("With {money} to spend, {gpu} would come first ({factor} better by the goal)."),
    "electricity_would_change": N_("If electricity cost {times_factor} times as much, {gpu} ({way}) would come first."),
    "several_workloads": N_("Ranked over {count} workloads by their weights; a GPU must qualify for all."),
    "no_baseline": N_("There is no processor in the catalogue to compare with."),
    "os_any": N_("Any operating system counts: --os narrows it to yours."),
    "prices_of": N_("Prices are dated snapshots; $1 = {money} ({date})."),
    "prices_dated": N_("Prices are dated snapshots."),
}

VERDICTS: Final[Mapping[str, str]] = {
    "not_selected": N_("not among the GPUs asked for ({limit})"),
    "other_vendor": N_("made by {actual}, asked for {limit}"),
    "not_acquirable": N_("had as {actual}, asked for {limit}"),
    "unsupported_software": N_("{limit}: does not run"),
    "ended_software": N_("{limit}: support has ended"),
    "software_ends": N_("support ends with {actual}, needed until {limit}"),
    "other_backend": N_("runs on {actual}, asked for {limit}"),
    "support_below_asked": N_("its support is {actual}, asked for {limit}"),
    "no_feature": N_("does not run {limit}"),
    "wrong_place": N_("{actual}: not for {limit}"),
    "too_long": N_("{actual} long, room for {limit}"),
    "too_wide": N_("takes {actual} slots, room for {limit}"),
    "no_power_connector": N_("needs {actual}, free are {limit}"),
    "power_supply_too_small": N_("needs a power supply of {actual}, there are {limit}"),
    "outlet_too_small": N_("draws {actual} with its computer, the outlet bears {limit} for long"),
    "needs_airflow": N_("has no fan and needs the airflow of a server"),
    "no_ecc": N_("its memory corrects no errors (ECC)"),
    "too_slow": N_("{actual}, asked for {limit}"),
    "no_tokens": N_("tokens a second are asked for, but the work has no tokens"),
    "finish_unknown": N_("how much there is to do is unknown"),
    "precision_refused": N_("no unit for {limit}; the framework refuses it"),
    "missing_figure": N_("the catalogue lacks a figure ({limit})"),
    "too_little_memory": N_("needs {limit}, has {actual} of memory"),
    "below_min_memory": N_("{actual} of memory, at least {limit} asked for"),
    "over_power": N_("{actual} board power, at most {limit} allowed"),
    "no_price": N_("no current price is known, so the budget cannot be checked"),
    "rent_length_unknown": N_("rents for {actual}; how long it is needed is unknown"),
    "over_budget": N_("costs {actual}, budget {limit}"),
}

FLIPS: Final[Mapping[str, str]] = {
    "select_gpu": N_("add --gpu {gpu}"),
    "allow_vendor": N_("allow {vendor}"),
    "allow_acquisition": N_("allow {way}"),
    "change_os": N_("runs under {os}"),
    "older_release": N_("ran up to {until}"),
    "other_precision": N_("use {precision}"),
    "add_figure": N_("add the figure with --gpus-file"),
    "more_memory": N_("a GPU with {bytes} or a smaller batch"),
    "larger_gpu": N_("no change is enough; it fits {gpu}"),
    "smaller_batch": N_("batch size {batch_size} fits"),
    "change_options": N_("fits with {options} ({time_factor} the time a sample)"),
    "lower_min_memory": N_("lower the minimum to {to}"),
    "raise_power_limit": N_("raise the power limit to {to}"),
    "give_price": N_("state a price with --price {gpu}=…"),
    "give_length": N_("state --samples and --epochs, or --hours"),
    "raise_budget": N_("raise the budget to {to}"),
    "allow_backend": N_("allow {backend}"),
    "allow_support": N_("be content with: {status}"),
    "without_feature": N_("do without {feature}"),
    "more_length": N_("make room for {to}"),
    "more_slots": N_("make room for {to} slots"),
    "other_power_supply": N_("a power supply with these plugs"),
    "larger_power_supply": N_("a power supply of {to}"),
    "larger_outlet": N_("a circuit for {to}"),
    "add_airflow": N_("a case that blows air through it"),
    "without_ecc": N_("do without ECC"),
    "allow_latency": N_("allow {to}"),
    "lower_throughput": N_("be content with {to}"),
    "ask_generate": N_("use --phase generate"),
    "allow_time": N_("allow {to}"),
}

STEP_PHASES: Final[Mapping[str, str]] = {
    "forward": N_("forward pass"),
    "backward": N_("backward pass"),
    "optimizer": N_("optimizer's step"),
}

HELD: Final[Mapping[str, str]] = {
    "saved": N_("kept for the backward pass"),
    "gradient": N_("gradients"),
    "input": N_("inputs"),
    "temporary": N_("passing results"),
    "copy": N_("a library's copy"),
}
"""What is alive at a peak of memory, by kind."""

WORDS: Final[Mapping[str, str]] = {
    "card": N_("a card"),
    "laptop": N_("a notebook"),
    "module": N_("a server module"),
    "superchip": N_("a server board"),
    "integrated": N_("part of a processor"),
    "edge": N_("a machine in the field"),
    "cloud": N_("offered in clouds only"),
    "system": N_("a whole computer"),
    "desk": N_("a computer of one's own"),
    "rack": N_("a server room"),
    "disk": N_("disk"),
    "cpu": N_("processor"),
    "none": N_("none"),
}
"""Words of verdicts and notes that stand for a form, a place, or a part of a computer."""

OBJECTIVES: Final[Mapping[str, str]] = {
    "time": N_("time"),
    "cost": N_("cost"),
    "price": N_("price of the board"),
    "power": N_("power"),
    "energy": N_("energy"),
}

REQUIREMENTS: Final[Mapping[str, str]] = {
    "gpus": N_("the chosen GPUs"),
    "vendors": N_("the vendor"),
    "acquire": N_("the way of having it"),
    "software": N_("the software"),
    "software_until": N_("how long the software lasts"),
    "backend": N_("the maker's software"),
    "support": N_("the state of support"),
    "features": N_("the features"),
    "precision": N_("the number format"),
    "place": N_("the place"),
    "max_length": N_("the length"),
    "max_slots": N_("the slots"),
    "power_connectors": N_("the power plugs"),
    "power_supply": N_("the power supply"),
    "outlet": N_("the outlet"),
    "airflow": N_("the airflow"),
    "ecc": N_("ECC"),
    "figures": N_("a figure that is not known"),
    "memory": N_("the memory"),
    "min_memory": N_("the least memory"),
    "max_power": N_("the power"),
    "max_latency": N_("the latency"),
    "min_throughput": N_("the throughput"),
    "requests": N_("the requests"),
    "min_tokens": N_("the tokens a second"),
    "finish_within": N_("the time to finish"),
    "budget": N_("the budget"),
}
"""What a verdict is about, as a noun."""

WAYS: Final[Mapping[str, str]] = {
    "new": N_("new"),
    "used": N_("used"),
    "rented": N_("rented"),
    "discontinued": N_("no longer"),
    "owned": N_("yours"),
}

BOUNDS: Final[Mapping[str, str]] = {
    "compute": N_("arithmetic"),
    "bandwidth": N_("bandwidth"),
    "launch": N_("launches"),
    "link": N_("link"),
    "power": N_("power"),
    "host": N_("host"),
    "input": N_("input"),
}

STATES: Final[Mapping[str, str]] = {
    "official": N_("official"),
    "vendor-build": N_("vendor's build"),
    "in-wheels": N_("unofficial"),
    "experimental": N_("experimental"),
    "by-override": N_("by override"),
    "source-build": N_("from source"),
    "community": N_("community"),
    "unknown": N_("unknown"),
    "ended": N_("ended"),
    "none": N_("none"),
}

FITS: Final[Mapping[str, str]] = {
    "fits": N_("fits"),
    "tight": N_("tight"),
    "does-not-fit": N_("too small"),
}

EVIDENCE: Final[Mapping[str, str]] = {
    "measured": N_("measured"),
    "calibrated": N_("calibrated"),
    "spec-only": N_("data sheet"),
}

ASSUMPTIONS: Final[Mapping[str, str]] = {
    "stack_from_script": N_("Predicted for the script's own software ({stack}), whatever read it."),
    "uncosted_operators": N_("No cost is known for {operators}: {uncounted_fraction} of the data moved is left out."),
    "phase_assumed": N_("The script does not train: {phase} is assumed."),
    "phase_of_function_assumed": N_("What is done with the model is not said: {phase} is assumed (--phase)."),
    "batch_size_assumed": N_("The source names no batch size: {batch_size} is assumed (--batch-size)."),
    "sequence_length_assumed": N_(
        "The script leaves the sequence length open: {sequence_length} is assumed (--sequence-length)."
    ),
    "image_size_assumed": N_("The script leaves the image size open: {pixels} pixels a side are assumed."),
    "optimizer_assumed": N_("The optimizer {named} is counted as {optimizer}, which keeps the same states."),
    "sequence_beyond_context": N_("The sequence of {sequence_length} is longer than the model's context of {context}."),
    "generated_tokens_assumed": N_("How much it generates is not said: {tokens} tokens are assumed."),
    "parameters_differ": N_("The file holds {file} parameters, the model built from it {counted}."),
    "gguf_mixture": N_("The weights are the mixture {file}, {bits_per_weight} bits each."),
    "weight_precision_nearest": N_("The weights ({file}, {bits_per_weight} bits each) are counted as {precision}."),
    "denoising_steps_assumed": N_("How many steps the schedule has is not said: {steps} are assumed (--steps)."),
    "resolution_assumed": N_("The size of the picture is the model's own, {height}x{width} pixels (--resolution)."),
    "onnx_dim_assumed": N_("The model leaves its dimension {dimension} open: {size} is assumed."),
    "onnx_longer_branch": N_("Of conditions that the file does not decide, the longer branch is counted ({count})."),
    "onnx_loop_rounds": N_("Loops whose length the file does not say are counted as one round ({count})."),
    "onnx_size_bounded": N_("Sizes that only data decide are counted at their largest ({count})."),
    "onnx_shape_assumed": N_("Results of unknown operators are taken to be as large as their first input ({count})."),
    "precision_from_source": N_("The precision is the file's own: {precision}."),
    "weight_precision_from_source": N_("The precision of the weights is the file's own: {precision}."),
    "values_guessed": N_("What depends on values in {modules} is counted at its largest, its conditions as false."),
    "folders_missing": N_("Folders that the script reads are not here, and counted as given: {folders}."),
    "models_by_configuration": N_("Models of the network, built from the published configuration of: {models}."),
    "text_length_assumed": N_(
        "Texts count as {tokens} tokens long: the lengths of published texts are not known, and the script sets none."
    ),
    "public_data_assumed": N_("Public data that are not here, counted as published: {names}."),
    "round_captured": N_("A step is a whole round of the script's own loop: {stages} (--model for one model alone)."),
    "loop_cut": N_("The script's own training loop was followed {rounds} times, not to its end."),
    "model_chosen": N_("The script has several models ({models}): {model} is taken (--model)."),
    "modules_stubbed": N_("Not installed, and replaced by stand-ins: {modules}."),
    "former_arguments": N_("Arguments of an older Keras were read as today's: {arguments}."),
    "script_stopped": N_("The script stopped at line {line} after its model was complete: {error}"),
    "repaired_code_fences": N_("Repaired: code fences ({count})."),
    "repaired_prompts": N_("Repaired: prompts of an interactive session ({count})."),
    "repaired_line_numbers": N_("Repaired: line numbers ({count})."),
    "repaired_notebook_commands": N_("Repaired: notebook commands ({count})."),
    "repaired_indentation": N_("Repaired: indentation ({count})."),
    "repaired_quotes": N_("Repaired: typographic quotes ({count})."),
    "repaired_spaces": N_("Repaired: full-width and other unusual spaces ({count})."),
    "repaired_invisible_characters": N_("Repaired: invisible characters ({count})."),
    "repaired_dashes": N_("Repaired: typographic dashes ({count})."),
    "repaired_full_width_characters": N_("Repaired: full-width characters ({count})."),
    "repaired_byte_order_mark": N_("Repaired: a byte order mark."),
    "repaired_encoding": N_("Read in another encoding than UTF-8."),
    "sandbox_limit_missing": N_("This operating system lacks a limit of the sandbox: {limit}."),
}

GOALS: Final[Mapping[str, str]] = {
    "fastest": N_("fastest: the shortest time"),
    "cheapest": N_("cheapest: the lowest cost of the work"),
    "cheapest-to-own": N_("cheapest to own: the lowest cost of the work on a board of one's own"),
    "efficient": N_("efficient: the least energy for the work"),
    "value": N_("value: the most speed for the price of the board"),
    "balanced": N_("balanced: the smallest geometric mean of time and cost, supported software first"),
}

PHASES: Final[Mapping[str, str]] = {
    "train": N_("training"),
    "infer": N_("inference"),
    "generate": N_("generation"),
}

ERRORS: Final[Mapping[str, str]] = {
    "source_not_found": N_("There is no such file and no built-in workload of that name."),
    "source_unreadable": N_("A directory, an empty, binary or oversized file."),
    "source_syntax": N_("The script is not valid Python, even after plain repairs."),
    "script_failed": N_("The script raised an error of its own before it made a model."),
    "script_limit": N_("The script ran into a limit of its sandbox."),
    "no_model": N_("The script ended without compiling, fitting or building a model."),
    "untraceable": N_("A layer that cannot be followed."),
    "uncovered": N_("Too large a share of the model has no known cost."),
    "missing_extra": N_("A framework needed to read this source is not installed."),
    "usage": N_("The command line is malformed."),
    "unknown_name": N_("A name that is not in its closed list."),
    "invalid_value": N_("A value outside its domain or with a wrong unit."),
    "invalid_file": N_("A file given by the user that does not follow its schema."),
    "data": N_("The data that the program ships, or was given, contradict each other."),
    "missing_figure": N_("A figure that the catalogue does not know."),
    "no_such_path": N_("The server has no such page or resource."),
    "no_such_method": N_("A resource of the server that does not take this method."),
    "request_unreadable": N_("A body, a form or a query that is not what it says it is."),
    "request_too_large": N_("A body beyond the limit of the server."),
    "wrong_media_type": N_("A body of a kind that the resource does not take."),
    "wrong_host": N_("A request for a host that this server is not."),
    "busy": N_("The server is reading too many files already."),
    "too_many_requests": N_("One client asks the server more often than it allows."),
    "interrupted": N_("The user pressed Ctrl-C."),
}
"""What every error code means, for the docs; the error itself says more."""
