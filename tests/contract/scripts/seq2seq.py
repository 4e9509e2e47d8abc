import numpy as np
from tensorflow.keras.layers import LSTM, Dense, Input, RepeatVector, TimeDistributed
from tensorflow.keras.models import Model

num_encoder_tokens, num_decoder_tokens, latent_dim = 71, 93, 256
encoder_inputs = Input(shape=(None, num_encoder_tokens))
encoder = LSTM(latent_dim, return_state=True)
encoder_outputs, state_h, state_c = encoder(encoder_inputs)
encoder_states = [state_h, state_c]
decoder_inputs = Input(shape=(None, num_decoder_tokens))
decoder_lstm = LSTM(latent_dim, return_sequences=True, return_state=True)
decoder_outputs, _, _ = decoder_lstm(decoder_inputs, initial_state=encoder_states)
decoder_dense = TimeDistributed(Dense(num_decoder_tokens, activation="softmax"))
decoder_outputs = decoder_dense(decoder_outputs)
model = Model([encoder_inputs, decoder_inputs], decoder_outputs)
model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
encoder_input_data = np.zeros((1000, 16, num_encoder_tokens), dtype="float32")
decoder_input_data = np.zeros((1000, 59, num_decoder_tokens), dtype="float32")
decoder_target_data = np.zeros((1000, 59, num_decoder_tokens), dtype="float32")
model.fit(
    [encoder_input_data, decoder_input_data], decoder_target_data, batch_size=64, epochs=100, validation_split=0.2
)
model.save("s2s.keras")
encoder_model = Model(encoder_inputs, encoder_states)
