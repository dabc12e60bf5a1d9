/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to a wire of which the chip lets go. It is included by the
 * driver below its struct gpio_sim_chip.
 */

static bool persist_outputs;
module_param(persist_outputs, bool, 0644);
MODULE_PARM_DESC(persist_outputs, "keep driving an output that nobody holds any more");

/* An undriven wire follows its pull. The caller holds the lock of the chip. */
static void wire_undrive(struct gpio_sim_chip *chip, unsigned int offset)
{
	__set_bit(offset, chip->direction_map);
	__assign_bit(offset, chip->value_map, test_bit(offset, chip->pull_map));
}

/*
 * Who held the line is gone. A Raspberry Pi makes it an input then, or goes on
 * driving it, as its pinctrl-bcm2835 is told by persist_gpio_outputs. The
 * caller holds the lock of the chip.
 */
static void wire_let_go(struct gpio_sim_chip *chip, unsigned int offset)
{
	if (persist_outputs && !test_bit(offset, chip->direction_map))
		return;
	wire_undrive(chip, offset);
}
