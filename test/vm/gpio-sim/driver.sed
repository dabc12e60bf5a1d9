# Makes the lines of gpio-sim behave as open wires do: see wire.h.
/^struct gpio_sim_attribute {/i #include "wire.h"

/^static int gpio_sim_direction_input/,/^}/ s/__set_bit(offset, chip->direction_map);/wire_undrive(chip, offset);/

/^static void gpio_sim_free/,/^}/ {
	/__assign_bit(offset, chip->value_map,/ {
		:statement
		/;/!{
			N
			b statement
		}
		s/__assign_bit([^;]*;/wire_let_go(chip, offset);/
	}
}
