/** To be imported before anything else: which services there are is known as soon as the first of them is. */
process.env.EXTENSIONS = "examples/reviews";
