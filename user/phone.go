package user

// A Phone is a telephone number that was read.
type Phone struct {
	// E164 is the one spelling that is stored, compared and sent to.
	E164 string
	// Country is where the number is at home, as ISO 3166 writes it in two
	// letters, or empty if it belongs to none, as those of satellites.
	Country string
	// Prefix is the block of numbers that it is one of.
	Prefix string
}

// A PhoneParser reads numbers as people write them. Package user/phone has the
// one that usher uses.
type PhoneParser interface {
	// ParsePhone reads a number; one without + is a national one of country, a
	// code of two letters. What is no number is ErrInvalidPhoneNumber.
	ParsePhone(number, country string) (Phone, error)
}
