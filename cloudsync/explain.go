package cloudsync

import (
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// explain adds what to do about an error, where that is known.
func explain(err error) error {
	var invalid x509.CertificateInvalidError
	var stranger x509.UnknownAuthorityError
	var misnamed x509.HostnameError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("%w (is the clock of this station right?)", err)
	case errors.As(err, &stranger):
		return fmt.Errorf("%w (does the setting ca name the certificate that signed the broker's?)", err)
	case errors.As(err, &misnamed):
		return fmt.Errorf("%w (set server_name to a name in the broker's certificate)", err)
	case errors.Is(err, packets.ErrorRefusedIDRejected):
		return fmt.Errorf("%w (the broker does not take the name of this station as a client id)", err)
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword), errors.Is(err, packets.ErrorRefusedNotAuthorised):
		return fmt.Errorf("%w (check user, password or certificate, and what the broker allows them)", err)
	default:
		return err
	}
}
