package notify

import (
	"errors"
	"fmt"
)

var (
	// ErrPermanent marks an error that another try will not mend: the address
	// does not exist, the message is refused, the template is broken. Every
	// other error of a [Mailer] is temporary.
	ErrPermanent = errors.New("notify: permanent failure")
	// ErrMessage: a message that cannot be sent as it is. It is [ErrPermanent].
	ErrMessage = fmt.Errorf("%w: bad message", ErrPermanent)
	// ErrTemplate: a template that is missing, broken, or was given data that it
	// cannot use. It is [ErrPermanent].
	ErrTemplate = fmt.Errorf("%w: bad template", ErrPermanent)
	// ErrExpired: the message's time is over. It is [ErrPermanent].
	ErrExpired = fmt.Errorf("%w: message has expired", ErrPermanent)
	// ErrPanic: a mailer or a template panicked. It is temporary when a mailer
	// did, since the next one may be another.
	ErrPanic = errors.New("notify: panic")
)
